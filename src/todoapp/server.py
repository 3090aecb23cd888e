"""The process: its socket, its signals, its log, and what it refuses before HTTP gets to the app."""

import asyncio
import logging
import signal
import socket
import sys
import time
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from todoapp import page, web
from todoapp.cache import Cache
from todoapp.fetch import prepare, source
from todoapp.settings import Settings
from todoapp.store import Store

MAX_URL_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
"""Of all header fields of a request together."""

KEEP_ALIVE = 75
"""Seconds that a connection may idle; proxies rather close theirs first than find it closed."""

STOP_TIMEOUT = 5
"""Seconds for requests in flight after the drain: more than a visitor waits for a picture."""

LINGER = 1.0
"""Seconds to go on reading after a refusal, or else its client would only see a reset."""

log = logging.getLogger(__name__)


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with the limits that it lacks: URL, header fields, and no bodies."""

    _refusal = 400, "this is not HTTP/1.1"
    _refused = False
    _head_bytes = 0
    _url_bytes = 0
    _header_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the request was refused already (`asyncio.Protocol`)."""
        if self._refused:
            return
        self._head_bytes += len(data)
        super().data_received(data)
        # The parser keeps a name or a value to itself for as long as it does not end.
        if self._head_bytes > MAX_URL_BYTES + 2 * MAX_HEADER_BYTES and not self._refused:
            self._refusal = 431, "the header fields are too large"
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin to count anew (`httptools`)."""
        self._url_bytes = self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Refuse a URL that is too long (`httptools`)."""
        self._url_bytes += len(url)
        if self._url_bytes > MAX_URL_BYTES:
            self._refuse(414, f"the URL is longer than {MAX_URL_BYTES} bytes")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse too many header fields, and those that announce a body (`httptools`)."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(431, f"the header fields are larger than {MAX_HEADER_BYTES} bytes")
        super().on_header(name, value)
        announced = self.headers[-1]
        if announced[0] == b"transfer-encoding" or (
            announced[0] == b"content-length" and announced[1].strip(b" 0")
        ):
            self._refuse(413, "no request here has a body")

    def on_headers_complete(self) -> None:
        """Pass the request on (`httptools`)."""
        self._head_bytes = 0
        super().on_headers_complete()

    def _refuse(self, status: int, reason: str) -> None:
        self._refusal = status, reason
        raise ValueError(reason)  # makes the parser stop, and uvicorn send its 400

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says more
        """Send the refusal, and close the connection once the client has had time to read it."""
        self._refused = True
        before: RequestResponseCycle | None = self.cycle
        if before is not None and not before.response_complete:
            before.keep_alive = False  # its answer is still on its way, and is the last one then
            return
        status, reason = self._refusal
        body = f"{reason}\n".encode()
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%s: %s\r\n" % field for field in fields if field[0] != b"connection")
        self.transport.write(b"".join((STATUS_LINE[status], head, b"connection: close\r\n\r\n", body)))
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)


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
        "cache in %s, TTL %g s, pictures from %s, page at http://%s:%d",
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
