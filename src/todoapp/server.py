"""The process: its socket, its signals and its log."""

import asyncio
import logging
import signal
import socket
import sys
import time
from types import FrameType

import uvicorn

from todoapp import page, web
from todoapp.cache import Cache
from todoapp.fetch import prepare, source
from todoapp.protocol import Protocol
from todoapp.settings import Settings
from todoapp.store import Store

KEEP_ALIVE = 100
"""Seconds that a connection may idle: more than in proxies (60 in nginx, 90 in Traefik), so that these close
theirs first and never send a request on one that the app is closing."""

STOP_TIMEOUT = 5
"""Seconds for requests in flight after the drain: more than a visitor waits for a picture."""

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn's server, which on SIGTERM goes on for a while before it stops."""

    def __init__(
        self, config: uvicorn.Config, readiness: web.Readiness, drain_seconds: float, image_url: str
    ) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._stop_at: float | None = None
        self._image_url = image_url
        self._preparing: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and only then load what a fetch needs: that takes as long again."""
        await super().startup(sockets)
        self._preparing = asyncio.create_task(asyncio.to_thread(prepare, self._image_url))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to drain on SIGTERM; stop at once on SIGINT, and on a second signal of any kind."""
        # A load balancer learns only after a moment that it should send nobody here any more.
        # Until then everyone is served, but asked to come on a new connection next time.
        self._readiness.ready = False
        if sig == signal.SIGTERM and self._stop_at is None:
            log.info("SIGTERM: serving for another %g s, then stopping", self._drain_seconds)
            self._stop_at = time.monotonic() + self._drain_seconds
            close = (b"connection", b"close")
            self.config.encoded_headers.append(close)
            self.server_state.default_headers = [*self.server_state.default_headers, close]
        else:
            self.force_exit = self.should_exit
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to stop; uvicorn asks ten times a second."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address; OSError where that cannot be."""
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


def run(settings: Settings, listener: socket.socket) -> None:
    """Serve on `listener` until a signal ends it. What was answered is saved by then."""
    _configure_log(settings.log_level)
    log.info(
        "cache in %s, TTL %.15g s, pictures from %s, page at http://%s:%d",
        settings.cache_dir,
        settings.ttl,
        settings.image_url,
        settings.host,
        settings.port,
    )
    readiness = web.Readiness()
    cache = Cache(Store(settings.cache_dir), source(settings.image_url, page.SAMPLES), settings.ttl)
    config = uvicorn.Config(
        web.app(cache, settings.image_url, readiness),
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=settings.log_level == "DEBUG",
        proxy_headers=False,
        server_header=False,
        headers=list(web.SECURITY_HEADERS.items()),
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=STOP_TIMEOUT,
    )
    Server(config, readiness, settings.drain_seconds, settings.image_url).run(sockets=[listener])
    log.info("stopped; everything is saved" if cache.last_error is None else "stopped")


def _configure_log(level: str) -> None:
    """Log to standard output: time (ISO 8601, UTC), level, message."""
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.default_msec_format = "%s.%03dZ"
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level)
    if level != "DEBUG":  # a line for each request, broken request and step of a library
        for name in ("uvicorn", "httpx", "httpcore"):
            logging.getLogger(name).setLevel("ERROR")
