"""A real image service on 127.0.0.1 whose faults can be switched on and off while it runs.

Every picture it serves is a small valid PNG that was never served before (unless `Mode.SAME`).
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
import socket
import struct
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto


class Mode(Enum):
    """How requests are answered."""

    OK = auto()  # a new picture every time
    SAME = auto()  # the same picture every time
    HANG = auto()  # nothing is said until the mode is changed; then the answer is the new mode's
    REFUSED = auto()  # nobody listens
    CLOSED = auto()  # the connection is closed without a word
    ERROR_500 = auto()
    NOT_FOUND = auto()
    TOO_MANY = auto()  # 429 with `ImageService.retry_after` as its Retry-After
    HTML = auto()  # 200, text/html
    MISLABELLED = auto()  # 200, HTML that is said to be image/jpeg
    WRONG_TYPE = auto()  # 200, a BMP
    SVG = auto()  # 200, image/svg+xml with a script in it
    EMPTY = auto()  # 200, image/png, no bytes
    HALF = auto()  # Content-Length promises twice what is sent
    HALF_CHUNKED = auto()  # chunked, closed before the last chunk
    HALF_PICTURE = auto()  # a complete answer that holds half a picture
    HUGE = auto()  # 1 GB, announced
    ENDLESS = auto()  # never ends, unannounced
    REDIRECT = auto()  # one redirect, then a new picture
    REDIRECT_LOOP = auto()
    DRIP = auto()  # one byte a second
    GARBAGE = auto()  # not HTTP


@dataclass(frozen=True)
class Request:
    """One request as it came in: when (epoch seconds), the mode then, its path and headers."""

    at: float
    mode: Mode
    path: str
    headers: dict[str, str]


def png(seed: int, *, size: int = 0) -> bytes:
    """A PNG of 16 x 16 pixels in a colour of its own, filled up to at least `size` bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    colour = hashlib.sha256(str(seed).encode()).digest()[:3]
    rows = (b"\0" + colour * 16) * 16
    padding = b"padding\0" + b"." * max(0, size - 200)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0))
        + chunk(b"tEXt", b"seed\0" + str(seed).encode())
        + chunk(b"tEXt", padding)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@dataclass
class ImageService:
    """Where it is (`url`), what it was asked, and the pictures it gave, by SHA-256 in hex."""

    url: str
    picture_size: int = 0
    retry_after: str = "120"
    requests: list[Request] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    bytes_sent: int = 0
    """Of the newest body, as far as the socket has taken them."""

    _mode: Mode = Mode.OK
    _set_mode: Callable[[Mode], None] = lambda _: None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def mode(self) -> Mode:
        """How requests are answered now; may be set at any time, from any thread."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._set_mode(mode)

    @property
    def fetches(self) -> int:
        """How many requests came in, redirects followed included."""
        return len(self.requests)

    def next_picture(self) -> bytes:
        """A picture that was not served before."""
        seed = next(self._numbers) * 1_000_000 + os.getpid()
        picture = png(seed, size=self.picture_size)
        self.pictures[hashlib.sha256(picture).hexdigest()] = picture
        return picture


@contextlib.contextmanager
def image_service() -> Iterator[ImageService]:
    """Run an image service in a thread of its own until the end of the block."""
    # The first socket never listens: it keeps the port ours while nobody listens (Mode.REFUSED).
    with _bound(0) as reserved:
        port = reserved.getsockname()[1]
        service = ImageService(url=f"http://127.0.0.1:{port}/500")
        started = threading.Event()
        stop: list[Callable[[], object]] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            done = asyncio.Event()
            stop.append(lambda: loop.call_soon_threadsafe(done.set))
            listener = _Listener(service, port)
            await listener.start()
            service._set_mode = lambda mode: asyncio.run_coroutine_threadsafe(
                listener.switch(mode), loop
            ).result(10)
            started.set()
            await done.wait()
            await listener.stop()

        thread = threading.Thread(target=asyncio.run, args=(main(),), name="image service")
        thread.start()
        try:
            if not started.wait(10):
                raise RuntimeError("the image service did not start within 10 s")
            yield service
        finally:
            stop[0]()
            thread.join(10)


def _bound(port: int) -> socket.socket:
    """A socket bound to `port` of 127.0.0.1, which others that ask for it may share."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class _Listener:
    """The server's side: takes connections and answers each as the mode of that moment says."""

    def __init__(self, service: ImageService, port: int) -> None:
        self._service = service
        self._port = port
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, sock=_bound(self._port), backlog=256)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def switch(self, mode: Mode) -> None:
        self._service._mode = mode
        self._service._changed.set()
        self._service._changed = asyncio.Event()
        if mode is Mode.REFUSED and self._server is not None:
            self._server.close()
            self._server = None
        elif mode is not Mode.REFUSED:
            await self.start()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            path = head[0].split(" ")[1]
            service = self._service
            service.requests.append(Request(time.time(), service.mode, path, headers))
            service.bytes_sent = 0
            while service.mode is Mode.HANG:
                await service._changed.wait()
            async for part in self._answer(service.mode, path):
                writer.write(part)
                await writer.drain()
                service.bytes_sent += len(part)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the visitor left, or the test is over
        finally:
            self._handlers.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(  # noqa: C901 - one case for each mode is the clearest
        self, mode: Mode, path: str
    ) -> AsyncIterator[bytes]:
        """The parts of an answer, in the order in which they are sent."""
        service = self._service
        match mode:
            case Mode.TOO_MANY:
                retry_after = f"Retry-After: {service.retry_after}"
                yield _response("429 Too Many Requests", b"slow down", "text/plain", retry_after)
            case Mode.HALF:
                whole = _response("200 OK", service.next_picture(), "image/png")
                yield whole[: len(whole) * 2 // 3]
            case Mode.HALF_CHUNKED:
                half = service.next_picture()[:-60]
                yield _head("200 OK", "image/png", "Transfer-Encoding: chunked")
                yield b"%x\r\n%s\r\n" % (len(half), half)
            case Mode.HALF_PICTURE:
                yield _response("200 OK", service.next_picture()[:-30], "image/png")
            case Mode.HUGE | Mode.ENDLESS:
                announced = ["Content-Length: 1000000000"] if mode is Mode.HUGE else []
                yield _head("200 OK", "image/png", *announced)
                yield png(0)[:40]
                for _ in range(1_000_000_000 // 65536):
                    yield bytes(65536)
            case Mode.REDIRECT if path != "/moved":
                yield _response("302 Found", b"", "text/plain", "Location: /moved")
            case Mode.REDIRECT_LOOP:
                yield _response("302 Found", b"", "text/plain", f"Location: {path}x")
            case Mode.DRIP:
                picture = service.next_picture()
                yield _head("200 OK", "image/png", f"Content-Length: {len(picture)}")
                for byte in picture:
                    yield bytes([byte])
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(service._changed.wait(), 1)
            case _ if mode in _CONSTANT:
                yield _CONSTANT[mode]
            case _:
                yield _response("200 OK", service.next_picture(), "image/png")


def _head(status: str, content_type: str, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", "Connection: close", *more]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _response(status: str, body: bytes, content_type: str, *more: str) -> bytes:
    return _head(status, content_type, f"Content-Length: {len(body)}", *more) + body


_PAGE = b"<!doctype html><p>Log in to go on"
_BMP = b"BM" + struct.pack("<IHHIIiiHH", 58, 0, 0, 54, 40, 1, 1, 1, 24) + bytes(28)
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

_CONSTANT = {
    Mode.CLOSED: b"",
    Mode.GARBAGE: b"220 mail.example.org ESMTP\r\n\r\n",
    Mode.ERROR_500: _response("500 Internal Server Error", b"it broke", "text/plain"),
    Mode.NOT_FOUND: _response("404 Not Found", png(0), "image/png"),
    Mode.HTML: _response("200 OK", _PAGE, "text/html"),
    Mode.MISLABELLED: _response("200 OK", _PAGE, "image/jpeg"),
    Mode.WRONG_TYPE: _response("200 OK", _BMP, "image/bmp"),
    Mode.SVG: _response("200 OK", _SVG, "image/svg+xml"),
    Mode.EMPTY: _response("200 OK", b"", "image/png"),
    Mode.SAME: _response("200 OK", png(0), "image/png"),
}
