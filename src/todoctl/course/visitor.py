"""A visit over HTTP, as a browser makes one: the page, then the pictures that its HTML names."""

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from todoctl.evidence import pages, pictures
from todoctl.evidence.history import History, Request, Role

REQUEST_SECONDS = 30.0
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that are read: a page or picture that is larger is none."""

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
PAGE_HEADERS = {
    "User-Agent": AGENT,
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9",
}
PICTURE_HEADERS = PAGE_HEADERS | {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*,*/*;q=0.8"}


class Visitor(Protocol):
    """Whoever can visit the app. What came back is in the history, under the visit's number."""

    def visit(self, number: int, phase: str) -> None:
        """One visit: page and picture."""
        ...

    def rest(self) -> None:
        """A long wait begins: lets go of what costs memory."""
        ...

    def close(self) -> None: ...


class NoPicture(Exception):  # noqa: N818 - it is no error: a browser may see one
    """The page is there, and its HTML has no picture."""


@dataclass(slots=True)
class Got:
    """An answer, or why there was none."""

    begin: float
    end: float = 0.0
    status: int = 0
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    error: str = ""
    url: str = ""


def write_down(
    history: History, got: Got, *, role: Role, visit: int, phase: str, address: str, crowd: str = ""
) -> Request:
    """Puts one request into the history."""
    request = Request(
        begin=got.begin,
        end=got.end,
        scenario=phase,
        role=role,
        method="GET",
        url=address[:300] if address.startswith("data:") else address,
        answer=None if got.error else history.answer(got.status, got.headers, got.body),
        error=got.error,
        visit=visit,
        crowd=crowd,
    )
    history.events.append(request)
    return request


class HttpVisitor:
    """Asks for the page, then for its picture: the one at `image` where that is given."""

    def __init__(self, url: str, history: History, *, image: str = "") -> None:
        self._url, self._history, self._image = url, history, image
        trust = ssl.create_default_context()
        # A connection each, as a new visitor has. The app is on this machine; a picture's host may be behind
        # the environment's proxy.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._near, self._far = (
            httpx.Client(
                trust_env=far, verify=trust, timeout=REQUEST_SECONDS, limits=limits, follow_redirects=True
            )
            for far in (False, True)
        )

    def close(self) -> None:
        self._near.close()
        self._far.close()

    def rest(self) -> None:
        """Nothing is held."""

    def visit(self, number: int, phase: str) -> None:
        """Raises `NoPicture` where the page's HTML has none."""
        got = self.view(number, phase)
        if got.error or got.status != 200:
            return
        shown: Sequence[str] = (urljoin(self._url, self._image),) if self._image else ()
        shown = shown or pages.image_addresses(got.body.decode("utf-8", "replace"), got.url)
        if not shown:
            raise NoPicture
        for address in shown:
            picture = self._picture(address, got)
            write_down(self._history, picture, role=Role.PICTURE, visit=number, phase=phase, address=address)
            if picture.status == 200 and not pictures.fault(picture.body):
                return

    def view(self, number: int, phase: str, *, crowd: str = "") -> Got:
        """The page alone."""
        got = self._get(self._url, PAGE_HEADERS)
        write_down(
            self._history, got, role=Role.PAGE, visit=number, phase=phase, address=self._url, crowd=crowd
        )
        return got

    def _picture(self, address: str, page: Got) -> Got:
        if address.startswith("data:"):
            inside = pictures.from_data_url(address)
            if inside is None:
                return Got(begin=page.begin, end=page.end, error="a data: address that is damaged")
            headers = [("content-type", inside[0])]
            return Got(begin=page.begin, end=page.end, status=200, headers=headers, body=inside[1])
        return self._get(address, PICTURE_HEADERS | {"Referer": self._url})

    def _get(self, address: str, headers: dict[str, str]) -> Got:
        got = Got(begin=time.time())
        try:
            near = urlsplit(address).hostname == urlsplit(self._url).hostname
            client = self._near if near else self._far
            client.cookies.clear()  # every visitor is a new one
            with client.stream("GET", address, headers=headers) as answer:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise httpx.ReadError("the answer does not end")
                    if time.time() - got.begin > REQUEST_SECONDS:
                        raise httpx.ReadTimeout(f"the answer was not whole after {REQUEST_SECONDS:g} s")
                got.status, got.headers = answer.status_code, answer.headers.multi_items()
                got.body, got.url = bytes(body), str(answer.url)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError) as problem:
            # The last two are of a host's name, and of a port, that cannot be.
            got.error = str(problem) or type(problem).__name__
        got.end = time.time()
        return got
