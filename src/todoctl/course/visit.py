"""A visit over HTTP, as a browser makes one: the page, then the pictures that it shows."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from todoctl.evidence import pages, pictures
from todoctl.evidence.history import History, Request, Role
from todoctl.evidence.http import Client, Got, redacted

MAX_PICTURES, MAX_SHEETS = 12, 4
"""Images and style sheets of a page that are asked for."""

MAX_REDIRECTS = 10

DATA_URL = re.compile(rb"data:image/[^\s\"'<>()]{200,}")
"""A picture inside a page, which is kept on its own."""

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PICTURE = "image/avif,image/webp,image/png,image/svg+xml,image/*,*/*;q=0.8"
STYLES = "text/css,*/*;q=0.1"
"""What a browser accepts in each place."""


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit came across: the addresses of pictures, and whether scripts may show others."""

    pictures: tuple[str, ...] = ()
    scripts: bool = False


@dataclass(slots=True)
class Notes:
    """Puts the requests of one visit after another into a history. `now` is the run's clock."""

    history: History
    now: Callable[[], float]
    visit: int = 0
    phase: str = ""
    crowd: str = ""

    def begin(self, phase: str, crowd: str = "") -> None:
        """The next visit begins."""
        self.visit, self.phase, self.crowd = self.visit + 1, phase, crowd

    def add(self, got: Got, address: str, role: Role, *, probe: str = "", agent: str = "") -> None:
        """Notes one request; only pages and pictures are kept, a page without the pictures inside it."""
        body, error = got.body, got.error
        if self.crowd:
            body = b""
        elif role is Role.PICTURE and (fault := pictures.read(body).fault):
            body, error = b"", error or (fault if got.status == 200 else "")
        elif role is Role.PAGE:
            body = b"" if pictures.media_type(body) else DATA_URL.sub(rb"data:,", body)
        request = Request(
            begin=got.begin,
            end=got.end,
            scenario=self.phase,
            role=role,
            method="GET",
            url=address[:300] if address.startswith("data:") else redacted(address),
            sent=[("user-agent", agent)] if agent else [],
            answer=None if got.error else self.history.answer(got.status, got.headers, body),
            error=error,
            visit=self.visit,
            crowd=self.crowd,
            probe=probe,
        )
        self.history.events.append(request)


class HttpVisitor:
    """Asks for the page, then for its pictures: for the one at `image` alone where that is given.

    Each visit is that of a new visitor: it begins without cookies, and keeps those that it gets.
    """

    def __init__(self, client: Client, notes: Notes, *, image: str = "") -> None:
        self._client, self._notes, self._image = client, notes, image
        self._sheets: dict[str, str] = {}

    def close(self) -> None:
        self._client.close()

    def visit(self) -> Visited | None:
        """Visits the page and its pictures; returns None where there is no page."""
        got = self.view()
        if got.error or got.status != 200 or pictures.media_type(got.body):
            return None
        if self._image:
            address = urljoin(got.url, self._image)
            self._picture(address, got, probe="named")
            return Visited((address,))
        page = pages.page(got.body, got.url)
        shown = [image.address for image in page.images]
        for sheet in page.stylesheets[:MAX_SHEETS]:
            shown += pages.css_images(self._sheet(sheet), sheet)
        addresses = tuple(dict.fromkeys(filter(_can_be_one, shown)))[:MAX_PICTURES]
        for address in addresses:
            self._picture(address, got)
        return Visited(addresses, page.scripts)

    def view(self) -> Got:
        """Asks for the page alone."""
        self._client.forget()
        got = self._get(self._client.home, PAGE)
        self._notes.add(got, self._client.home, Role.PAGE)
        return got

    def _picture(self, address: str, page: Got, *, probe: str = "") -> None:
        if address.startswith("data:"):
            media, body = pictures.from_data_url(address) or ("", b"")
            error = "" if media else "a data: address that is damaged"
            headers = [("content-type", media)]
            got = Got(begin=page.begin, end=page.end, status=200, headers=headers, body=body, error=error)
        else:
            got = self._get(address, PICTURE, page.url)
        self._notes.add(got, address, Role.PICTURE, probe=probe)

    def _sheet(self, address: str) -> str:
        """A style sheet; one that was there is not asked for again."""
        if address not in self._sheets:
            got = self._get(address, STYLES)
            if got.error or got.status != 200:
                return ""
            self._sheets[address] = got.body.decode("utf-8", "replace")
        return self._sheets[address]

    def _get(self, address: str, accept: str, referer: str = "") -> Got:
        headers = [("User-Agent", AGENT), ("Accept", accept), ("Accept-Language", "en-GB,en;q=0.9")]
        return self._client.fetch("GET", address, headers=headers, referer=referer, redirects=MAX_REDIRECTS)


def _can_be_one(address: str) -> bool:
    path = "" if address.startswith("data:") else urlsplit(address).path.lower()
    return not path.endswith((".svg", ".ico")) and not address.startswith("data:image/svg")
