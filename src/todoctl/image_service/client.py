"""The control side of an image service, wherever that runs, and one in a thread of this process."""

import base64
import io
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from todoctl.errors import UnavailableError
from todoctl.evidence.times import now
from todoctl.image_service.service import ASKED, Picture, ResponseMode, Server, picture

FORMATS = ("JPEG", "GIF", "WEBP", "AVIF")
FIRST, EVERY, NUMBER = 3, 2, 8
"""From the third picture on each second one is of another format than PNG, until there were eight of these; a
quick run takes some 30 pictures."""

HOST = "127.0.0.1"
SECONDS = 10.0
"""For one answer to us, on a busy machine."""

POLL_SECONDS = 0.05
"""How soon the end is noticed."""

Fetch = Callable[[str, str], bytes]
"""Sends a request, by method and path, to the image service; raises `UnavailableError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that the image service has answered.

    It came and its answer went between `begin` and `end`, in epoch seconds by this machine's clock.
    `picture` is the whole picture that was sent, None if none was, `retry_after` the header of that name.
    """

    begin: float
    end: float
    mode: ResponseMode
    picture: bytes | None
    retry_after: str = ""


class Controlled:
    """An image service of our own that `fetch` reaches and the app finds at `url`.

    No picture comes twice, but in `ResponseMode.AGAIN`.

    Where its clock is not ours, what is known of the difference is that `now` in an answer was written
    between our sending and our receiving. The quickest answer bounds it best; what remains open is added to
    the times.
    """

    def __init__(self, url: str, fetch: Fetch, *, same_clock: bool) -> None:
        self.url = url
        self._fetch = fetch
        self._same_clock = same_clock
        self._ahead = (0.0, float("inf"))
        """How many seconds its clock is ahead of ours, at least and at the most."""
        self._served: list[Served] = []
        self._lock = threading.Lock()

    def served(self) -> list[Served]:
        """Returns all requests answered so far, in the order of their answers.

        A request is among them as soon as who asked can have the answer.
        """
        with self._lock:
            self._look()
            return self._served.copy()

    def pending(self) -> int:
        """Returns how many requests are not answered yet."""
        with self._lock:
            return self._look()

    def answer(self, mode: ResponseMode) -> None:
        """Lets requests that come from now on be answered in that mode."""
        self._fetch("POST", f"/mode/{mode}")

    def _look(self) -> int:
        """Takes over what is new in the journal; returns how many requests are pending."""
        sent = now()
        answer: dict[str, Any] = json.loads(self._fetch("GET", f"/journal/{len(self._served)}"))
        ahead = (answer["now"] - now(), answer["now"] - sent)
        if self._same_clock:
            self._ahead = (0.0, 0.0)
        elif ahead[1] - ahead[0] < self._ahead[1] - self._ahead[0]:
            self._ahead = ahead
        for entry in answer["answered"]:
            content = entry["picture"]
            self._served.append(
                Served(
                    begin=entry["begin"] - self._ahead[1],
                    end=entry["end"] - self._ahead[0],
                    mode=ResponseMode(entry["mode"]),
                    picture=None if content is None else base64.b64decode(content),
                    retry_after=entry["retry_after"],
                )
            )
        return int(answer["pending"])


def fetch_over(connect: Callable[[], HTTPConnection]) -> Fetch:
    """Returns what sends each request over a new connection."""

    def fetch(method: str, path: str) -> bytes:
        connection = connect()
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            why = f"{answer.status} {answer.reason}" if answer.status >= HTTPStatus.BAD_REQUEST else ""
        except (OSError, HTTPException) as error:
            why = str(error) or type(error).__name__
        finally:
            connection.close()
        if why:
            raise UnavailableError("The image service does not answer", why=why, fix="Run the command again")
        return body

    return fetch


@cache
def others() -> dict[int, Picture]:
    """Returns pictures of the other types that an app has to know (docs/contract.md), by the request.

    As with `service.picture`, no bytes come twice.
    """
    from PIL import Image, features

    formats = [name for name in FORMATS if name in {"JPEG", "GIF"} or features.check(name.lower())]
    made = {}
    for count in range(NUMBER):
        number, name = FIRST + EVERY * count, formats[count % len(formats)]
        with Image.open(io.BytesIO(picture(number))) as image, io.BytesIO() as file:
            secret = secrets.token_hex(16).encode()
            # A comment, where the type has one; WebP and AVIF have metadata instead.
            image.convert("RGB").save(file, name, comment=secret, xmp=secret, quality=60, speed=10, method=0)
            made[number] = Picture(Image.MIME[name], file.getvalue())
    return made


@contextmanager
def running_here() -> Iterator[Controlled]:
    """An image service for this machine alone, on a free port; gone at the end of the block."""
    with Server((HOST, 0), others(), now) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        thread.start()
        port = server.server_address[1]
        fetch = fetch_over(lambda: HTTPConnection(HOST, port, timeout=SECONDS))
        try:
            yield Controlled(f"http://{HOST}:{port}{ASKED}", fetch, same_clock=True)
        finally:
            server.shutdown()
            thread.join()
