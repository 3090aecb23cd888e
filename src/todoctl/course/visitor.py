"""A visit over HTTP, as a browser makes one: the page, then the pictures that its HTML names."""

from collections.abc import Sequence  # noqa: TC003
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from todoctl.evidence import pages, pictures
from todoctl.evidence.history import History, Request, Role
from todoctl.evidence.http import Client, Got

MAX_REDIRECTS = 10

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
        self._client = Client(url)
        self._url, self._history, self._image = self._client.home, history, image

    def close(self) -> None:
        self._client.close()

    def rest(self) -> None:
        """Nothing is held."""

    def visit(self, number: int, phase: str) -> None:
        """Raises `NoPicture` where the page's HTML has none."""
        self._client.forget()
        got = self.view(number, phase)
        if got.error or got.status != 200:
            return
        shown: Sequence[str] = (urljoin(self._url, self._image),) if self._image else ()
        named = [image.address for image in pages.page(got.body, got.url).images]
        shown = shown or [one for one in named if not urlsplit(one).path.lower().endswith((".svg", ".ico"))]
        if not shown:
            raise NoPicture
        for address in shown:
            picture = self._picture(address, got)
            write_down(self._history, picture, role=Role.PICTURE, visit=number, phase=phase, address=address)
            if picture.status == 200 and not pictures.fault(picture.body):
                return

    def view(self, number: int, phase: str, *, crowd: str = "") -> Got:
        """The page alone."""
        got = self._client.fetch("GET", self._url, headers=[*PAGE_HEADERS.items()], redirects=MAX_REDIRECTS)
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
        headers = [*PICTURE_HEADERS.items()]
        return self._client.fetch("GET", address, headers=headers, referer=page.url, redirects=MAX_REDIRECTS)
