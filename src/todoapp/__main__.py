"""`python -m todoapp`: a picture of the moment, cached on a volume.

A page view goes through these modules, one after the other:

`app.page`        takes `GET /` and asks the cache
`cache.Cache.view`   takes a turn on the volume; where a new picture is due, waits for the one fetch
`policy.view`     decides: valid, the one grace view, or None: a new picture first
`store.Store`     loads and saves the two files of the volume
`source.fetch`    asks the image service

So at the second view after the expiry, with three visitors waiting: `policy.view` returns None for each of
them, `Cache.view` lets all three wait for the task that `Cache._refresh_once` has begun for the first, and
`policy.fetched` makes the state with the new picture, in which they are then counted as its first views.
"""

import logging
import math
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

from todoapp.settings import Settings, SettingsError, read, without_credentials

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
"""Sent with every answer, also with those that uvicorn gives by itself."""

KEEP_ALIVE = 100
"""Seconds that a connection may idle: more than in proxies (60 in nginx, 90 in Traefik), so that these close
theirs first and never send a request on one that the app is closing."""

REQUEST_SECONDS = 20.0
"""How long a request may take to arrive whole."""

STOP_SECONDS = 5
"""For requests in flight after the drain: more than a visitor waits for a picture."""

log = logging.getLogger("todoapp")


def main() -> int:
    """Runs the app; returns the exit code: 0 stopped as asked, 1 cannot serve, 2 bad settings."""
    # Process 1 of a container has no default handler: SIGTERM would be lost until the server has its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = read(os.environ)
    except SettingsError as error:
        return _fail(2, str(error))
    try:
        listener = bind(settings.host, settings.port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        where = f"HOST={settings.host} PORT={settings.port}"
        return _fail(
            1, f"cannot listen on {where}: {reason}; give it an address of this machine and a free port"
        )
    try:
        serve(settings, listener)
    except Exception as error:  # noqa: BLE001 - one line, whatever it is
        return _fail(1, f"stopped by {type(error).__name__}: {error}")
    return 0


def _fail(code: int, message: str) -> int:
    if sys.stderr is not None:
        sys.stderr.write(f"todoapp: {' '.join(message.split())}\n")
    return code


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket that is bound to the address; raises OSError where that cannot be."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serves on `listener` until a signal ends it. What was answered is saved by then."""
    # All this takes a while to import; a bad setting need not wait for it.
    import uvicorn

    from todoapp import app, source
    from todoapp.cache import Cache
    from todoapp.store import Store

    class Server(uvicorn.Server):
        """uvicorn's server, which on SIGTERM goes on for a while, and waits for no half request for ever."""

        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            self.stop_at = math.inf
            self.arriving: dict[Any, float] = {}

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
            """Begins to drain on SIGTERM; stops at once on SIGINT, and on a second signal of any kind."""
            # A load balancer learns only after a moment that it should send nobody here any more.
            # Until then everyone is served, but asked to come on a new connection next time.
            web.state.ready = False
            if sig == signal.SIGTERM and self.stop_at == math.inf:
                log.info("SIGTERM: serving for another %g s, then stopping", settings.drain_seconds)
                self.stop_at = time.monotonic() + settings.drain_seconds
                close = (b"connection", b"close")
                self.config.encoded_headers.append(close)
                self.server_state.default_headers = [*self.server_state.default_headers, close]
            else:
                self.force_exit = self.should_exit
                self.should_exit = True

        async def on_tick(self, counter: int) -> bool:
            """Returns whether it is time to stop; uvicorn asks ten times a second."""
            if time.monotonic() >= self.stop_at:
                self.should_exit = True
            # uvicorn limits how long a connection idles between two requests, but not how long one arrives.
            now = time.monotonic()
            arriving = filter(_awaits_request, self.server_state.connections)
            self.arriving = {one: self.arriving.get(one, now) for one in arriving}
            for connection, since in self.arriving.items():
                if now - since > REQUEST_SECONDS:
                    connection.transport.close()
            return await super().on_tick(counter)

    _configure_log(settings.log_level)
    shown = without_credentials(settings.image_url)
    log.info(
        "cache in %s, TTL %.15g s, pictures from %s, page at http://%s:%d",
        settings.cache_dir,
        settings.ttl,
        shown,
        settings.host,
        settings.port,
    )
    cache = Cache(Store(settings.cache_dir), source.source(settings.image_url), settings.ttl)
    web = app.build(cache, shown)
    config = uvicorn.Config(
        web,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=settings.log_level == "DEBUG",
        proxy_headers=False,
        server_header=False,
        headers=list(SECURITY_HEADERS.items()),
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    Server(config).run(sockets=[listener])
    log.info("stopped; everything is saved" if cache.last_error is None else "stopped")


def _awaits_request(connection: Any) -> bool:  # noqa: ANN401 - one of uvicorn's protocols
    """Whether a request is yet to come whole: none is being answered, and no idle timer runs."""
    answered = connection.cycle is None or connection.cycle.response_complete
    return answered and connection.timeout_keep_alive_task is None


class OneLine(logging.Formatter):
    """Time (ISO 8601, UTC), level and message; of an error its type and words, never a traceback."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line."""
        message = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            message += f": {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        return f"{self.formatTime(record)} {record.levelname} {' '.join(message.split())}"


def _configure_log(level: str) -> None:
    """Logs to standard output."""
    logging.raiseExceptions = False  # a log that nobody reads is no reason for a traceback
    if hasattr(sys.stdout, "reconfigure"):  # None where it was closed before the start
        sys.stdout.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(OneLine())
    logging.basicConfig(handlers=[handler], level=level)
    if level != "DEBUG":  # a line for each request, broken request and step of a library
        for name in ("uvicorn", "httpx", "httpcore"):
            logging.getLogger(name).setLevel("ERROR")


if __name__ == "__main__":
    sys.exit(main())
