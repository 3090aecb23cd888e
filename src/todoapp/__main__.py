"""`python -m todoapp`: a picture of the moment, cached on a volume.

A page view goes through these modules, one after the other:

`app.page`          takes `GET /` and asks the cache
`cache.Cache.view`  takes a turn on the volume; where a new picture is due, waits for the one fetch
`policy.view`       decides: valid, the one grace view, or None: a new picture first
`store.Store`       loads and saves the two files of the volume
`source.fetch`      asks the image service

So at the second view after the expiry, with three visitors waiting: `policy.view` returns None for each of
them (its last line), `Cache.view` lets all three wait for the task that `Cache._refresh_once` has begun for
the first, and `policy.fetched` makes the state with the new picture, in which they are then counted as its
first views.
"""

import asyncio
import io
import logging
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any, cast

import uvicorn

from todoapp.app import SECURITY_HEADERS, build
from todoapp.cache import Cache
from todoapp.settings import SAMPLE_URL, Settings, SettingsError, read, without_credentials
from todoapp.source import prepare, source
from todoapp.store import Store

# In seconds. A connection may idle for longer than in proxies (60 in nginx, 90 in Traefik), so that these
# close theirs first and never send a request on one that the app is closing.
KEEP_ALIVE = 100
STOP_SECONDS = 5  # for requests in flight after the drain: more than a visitor waits for a picture
REQUEST_SECONDS = 20  # for a request to arrive whole

MAX_REQUEST_BYTES = 64 * 1024

log = logging.getLogger(__name__)


def main() -> int:
    """Runs the app. Returns its exit code: 0 stopped as asked, 1 it could not serve, 2 bad settings."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # process 1 of a container has no default handler
    try:
        settings = read(os.environ)
    except SettingsError as error:
        return _fail(2, str(error))
    try:
        listener = _listen(settings.host, settings.port)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that a machine can have
        reason = getattr(error, "strerror", None) or error
        address = f"HOST={ascii(settings.host)[1:-1]:.100} PORT={settings.port}"
        advice = "give it an address of this machine and a free port"
        return _fail(1, f"cannot listen on {address}: {reason}; {advice}")
    _configure_log(settings.log_level)
    _serve(settings, listener)
    _close_log()
    return 0


def _fail(code: int, reason: str) -> int:
    if sys.stderr is not None:  # it may be closed
        sys.stderr.write(f"todoapp: {reason}\n")
    return code


def _listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on the address. Raises OSError or UnicodeError where that cannot be."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    return socket.create_server(address, family=family, backlog=2048, dualstack_ipv6=both)


def _serve(settings: Settings, listener: socket.socket) -> None:
    """Serves on `listener` until a signal ends it. What was answered is saved by then."""
    shown_url = without_credentials(settings.image_url)
    where = f"cache in {settings.cache_dir}, TTL {settings.ttl:.15g} s, pictures from {shown_url}"
    log.info("%s, page at http://%s:%d", where, settings.host, settings.port)
    cache = Cache(Store(settings.cache_dir), source(settings.image_url), settings.ttl)
    config = uvicorn.Config(
        build(cache, shown_url),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=settings.log_level == "DEBUG",
        workers=1,
        proxy_headers=False,
        server_header=False,
        headers=list(SECURITY_HEADERS.items()),
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    config.load()
    protocol = config.http_protocol_class
    config.http_protocol_class = cast("Any", lambda **given: Limited(protocol(**given)))
    Server(config, settings).run(sockets=[listener])
    log.info("stopped; everything is saved" if cache.last_error is None else "stopped")


class Server(uvicorn.Server):
    """uvicorn's server, which on SIGTERM goes on for a while before it stops."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings
        self._stop_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to serve, and only then loads what a fetch needs: no visitor is to wait for that."""
        await super().startup(sockets)
        if self._settings.image_url != SAMPLE_URL:
            loading = asyncio.to_thread(prepare, self._settings.image_url.partition(":")[0])
            self._loading = asyncio.gather(loading, return_exceptions=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begins to drain on SIGTERM; stops at once on SIGINT, and on a second signal of any kind."""
        cast("Any", self.config.app).state.ready = False
        if sig == signal.SIGTERM and self._stop_at is None:
            # A load balancer learns only after a moment that it should send nobody here any more.
            # Until then everyone is served, but asked to come on a new connection next time.
            log.info("SIGTERM: serving for another %g s, then stopping", self._settings.drain_seconds)
            self._stop_at = time.monotonic() + self._settings.drain_seconds
            self.config.encoded_headers.append((b"connection", b"close"))
            self.server_state.default_headers.append((b"connection", b"close"))
        else:
            self.force_exit = self.should_exit
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Returns whether it is time to stop; uvicorn asks ten times a second."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)


class Limited:
    """A connection's protocol, with limits for the time and the size of a request, which uvicorn lacks.

    A request here needs no body: it ends with an empty line. All else is as in uvicorn's own protocol.
    """

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol
        self._begun = b""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a protocol has
        return getattr(self._protocol, name)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begins to wait for a request (`asyncio.Protocol`)."""
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(REQUEST_SECONDS, transport.close)
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Passes on what came, unless it is too much (`asyncio.Protocol`)."""
        if not self._begun:
            self._timer.cancel()
        self._begun += data
        if self._begun.endswith(b"\r\n\r\n"):
            self._begun = b""
            self._timer.cancel()
        elif self._timer.cancelled():
            self._timer = asyncio.get_running_loop().call_later(REQUEST_SECONDS, self._transport.close)
        if len(self._begun) > MAX_REQUEST_BYTES:
            self._transport.close()
        else:
            self._protocol.data_received(data)


class OneLine(logging.Formatter):
    """Time (ISO 8601, UTC), level and message in one line, whatever is logged: never a traceback."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line for `record`."""
        error = record.exc_info[1] if record.exc_info else None
        record.exc_info = record.exc_text = record.stack_info = None
        line = super().format(record)
        if error is not None:
            line = f"{line}: {type(error).__name__}: {error}"
        line = line.encode(errors="backslashreplace").decode()  # names of files may be no UTF-8
        return " ".join("".join(c if c.isprintable() else " " for c in line).split())


def _configure_log(level: str) -> None:
    """Logs to standard output; what cannot be written there is lost, and nothing else."""
    logging.raiseExceptions = False
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)
    if level != "DEBUG":  # a line for each request, broken request and step of a library
        for name in ("uvicorn", "httpx", "httpcore"):
            logging.getLogger(name).setLevel("ERROR")


def _close_log() -> None:
    """Drops what could not be written to standard output: Python would complain of it at the end."""
    try:
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):  # it is full, or closed
        sys.stdout = cast("Any", None)


if __name__ == "__main__":
    sys.exit(main())
