"""The image service: every picture is a new one, to the eye too, and every request is written down.

`GET` of ASKED is answered as was last asked for (see `ResponseMode`). Beside that, it is controlled with

    GET /journal/N     what was answered from the N-th request on, and what this clock says
    POST /mode/NAME    the mode of answering from now on

This file needs nothing but the standard library: its text is also sent into a pod, and is a program there.
"""

import base64
import colorsys
import itertools
import json
import secrets
import signal
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple
from urllib.parse import unquote

SLOW_SECONDS = 3.65
"""At most, and longer than the app lets a visitor wait (3 s, docs/contract.md), also on a busy machine."""

BUSY_SECONDS = 1
"""The least that a `Retry-After` can ask for."""

OVER = "Sun Nov  6 08:49:37 1994"
"""A moment in the oldest form that a `Retry-After` may have (RFC 9110, 5.6.7)."""

ASKED = "/picture?of=the-moment"
"""Which URL has a picture; no other has."""

IDLE_SECONDS = 10.0
"""How long a connection may take to ask something."""

SIZE = 500
"""Pixels, as the pictures of the app's usual image service have."""

LARGEST = 10 * 1024 * 1024
"""Bytes that a picture may have (docs/contract.md)."""

GOLDEN = 0.618033988749895
"""Of a turn around the colour wheel: neighbours are far apart."""


def picture(number: int, more: int = 0) -> bytes:
    """Returns a PNG in a colour of its own, with `more` bytes than it needs.

    Its bytes never come twice: they hold a secret.
    """
    colour = bytes(round(255 * part) for part in colorsys.hsv_to_rgb(number * GOLDEN % 1, 0.65, 0.55))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 3, 0, 0, 0)),
        (b"PLTE", colour),
        (b"tEXt", b"Comment\0" + secrets.token_hex(16).encode() + bytes(more)),
        (b"IDAT", zlib.compress(bytes(1 + SIZE) * SIZE)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


_EPOCH = time.time() - time.monotonic()


def now() -> float:
    """Returns epoch seconds by this machine's clock as it was at the start, whoever sets it meanwhile."""
    return _EPOCH + time.monotonic()


class Picture(NamedTuple):
    """Its media type and its bytes."""

    kind: str
    content: bytes


class Answer(NamedTuple):
    """An HTTP answer; `whole` says that its body is a whole picture, `retry_after` is the header's value."""

    status: int
    kind: str
    body: bytes
    whole: bool = False
    retry_after: str = ""


class ResponseMode(StrEnum):
    """How the image service answers a request: all but the first and the last two are faults."""

    PICTURE = "picture"
    ERROR = "error"
    DATED = "dated"
    BUSY = "busy"
    NOTHING = "nothing"
    HALF = "half"
    LOGIN = "login"
    SOUND = "sound"
    HUGE = "huge"
    SLOW = "slow"
    AGAIN = "again"


PAGE = b"<!doctype html><title>Log in</title><h1>Log in to this network</h1>"

SOUND = b"RIFF\xf4\x07\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0\x80>\0\0\2\0\x10\0data\xd0\7\0\0" + bytes(2000)
"""A whole WAV file: RIFF, as WebP is."""

FAULTS: dict[ResponseMode, Callable[[Picture], Answer | None]] = {
    # As some services do, with a picture, which is none to be shown, and a wait that makes no sense.
    ResponseMode.ERROR: lambda made: Answer(500, made.kind, made.content, retry_after="soon"),
    ResponseMode.DATED: lambda made: Answer(503, made.kind, made.content, retry_after=OVER),
    ResponseMode.BUSY: lambda made: Answer(429, made.kind, made.content, retry_after=str(BUSY_SECONDS)),
    ResponseMode.NOTHING: lambda _: None,  # closes the connection
    ResponseMode.HALF: lambda made: Answer(200, made.kind, made.content[: len(made.content) // 2]),
    ResponseMode.LOGIN: lambda _: Answer(200, "image/jpeg", PAGE),
    ResponseMode.SOUND: lambda _: Answer(200, "image/webp", SOUND),
    ResponseMode.HUGE: lambda _: Answer(200, "image/png", picture(0, more=LARGEST)),
}
"""What is answered, given a picture. The other modes send it: SLOW after SLOW_SECONDS or when another mode is
asked for, AGAIN the last one that was sent."""


class Server(ThreadingTCPServer):
    """The image service at `address`. `lock` is held while an answer is sent and written down.

    So who has an answer and then asks for the journal finds it there.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], others: Mapping[int, Picture], now: Callable[[], float] = now
    ) -> None:
        """`others` are pictures of other types than PNG, each for the request of its number."""
        super().__init__(address, Handler)
        self.now = now
        self._others = others
        self.lock = threading.Lock()
        self.mode = ResponseMode.PICTURE
        self.turned = threading.Event()
        self.pending = 0
        self._numbers = itertools.count(1)
        self._last = Picture("image/png", picture(0))
        self.answered: list[dict[str, Any]] = []

    def turn(self, mode: ResponseMode) -> None:
        """From now on requests are answered in this mode; an answer that is slow until now is sent now."""
        with self.lock:
            turned, self.turned = self.turned, threading.Event()
            self.mode = mode
        turned.set()

    def server_close(self) -> None:
        self.turned.set()
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asks may go at any time: what was not sent is written down as such."""

    def next_picture(self, mode: ResponseMode) -> Picture:
        """Returns a new one, or for half an answer a JPEG: half a one is taken for whole more easily."""
        number = next(self._numbers)
        if mode is ResponseMode.AGAIN:
            return self._last
        if mode is ResponseMode.HALF:
            jpegs = (other for other in self._others.values() if other.kind == "image/jpeg")
            return next(jpegs, self._last)
        self._last = self._others.get(number) or Picture("image/png", picture(number))
        return self._last

    def journal(self, since: int) -> bytes:
        with self.lock:
            state = {"now": self.now(), "pending": self.pending, "answered": self.answered[since:]}
        return json.dumps(state).encode()


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    server: Server
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        self.begin = self.server.now()
        super().setup()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Shows nothing: it is in the journal."""

    def do_GET(self) -> None:
        path = unquote(self.path)  # the API server's proxy is asked for a path in one piece
        if path.startswith("/journal/"):
            since = int(path.removeprefix("/journal/"))
            self._send(Answer(200, "application/json", self.server.journal(since)))
        elif path != ASKED:
            self._send(Answer(404, "text/plain", b""))
        else:
            self._serve()

    def do_POST(self) -> None:
        name = unquote(self.path).removeprefix("/mode/")
        known = name in {*ResponseMode}
        if known:
            self.server.turn(ResponseMode(name))
        self._send(Answer(200 if known else 404, "text/plain", b""))

    def _serve(self) -> None:
        server = self.server
        with server.lock:
            server.pending += 1
            mode, turned = server.mode, server.turned
        if mode is ResponseMode.SLOW:
            turned.wait(SLOW_SECONDS)
        made = server.next_picture(mode)
        answer = FAULTS[mode](made) if mode in FAULTS else Answer(200, made.kind, made.content, whole=True)
        retry_after = answer.retry_after if answer else ""
        entry = {"begin": self.begin, "mode": mode, "picture": None, "retry_after": retry_after}
        with server.lock:
            try:
                if answer:
                    self._send(answer)
                else:
                    self.connection.shutdown(socket.SHUT_RDWR)
                if answer and answer.whole:
                    entry["picture"] = base64.b64encode(answer.body).decode()
            finally:
                server.pending -= 1
                server.answered.append({**entry, "end": server.now()})

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if answer.retry_after:
            self.send_header("Retry-After", answer.retry_after)
        self.end_headers()
        self.wfile.write(answer.body)


if __name__ == "__main__":
    # The first process of a container is deaf to signals that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    given = {
        int(number): Picture(kind, base64.b64decode(content))
        for number, kind, content in (argument.split(",") for argument in sys.argv[2:])
    }
    with Server(("0.0.0.0", int(sys.argv[1])), given) as running:  # noqa: S104 - a pod's own address
        running.serve_forever()
