"""A visit over HTTP, as a browser makes one: the page, then the pictures that it shows."""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from todoctl.evidence import pages, pictures
from todoctl.evidence.history import History, Request, Role
from todoctl.evidence.http import Client, Got, redacted

MAX_PICTURES = 12
"""Images of a page that are asked for."""

MAX_SHEETS = 4
"""Style sheets of a page that are read."""

MAX_REDIRECTS = 10

DATA_URL = re.compile(rb"data:image/[^\s\"'<>()]{200,}")
"""A picture inside a page, which is kept on its own."""

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
PAGE_HEADERS = {
    "User-Agent": AGENT,
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9",
}
PICTURE_HEADERS = PAGE_HEADERS | {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*,*/*;q=0.8"}


class Clock(Protocol):
    """What a run goes by. In a test time passes when somebody waits."""

    def now(self) -> float:
        """Returns steady epoch seconds: those at the run's begin, plus what has passed since then."""
        ...

    def wall(self) -> float:
        """Returns epoch seconds by the machine's clock, which may be set at any time."""
        ...

    def wait(self, moment: float) -> None:
        """Waits until `moment` of `now`; raises `InterruptedVisits` where the run is ended meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit came across: the addresses of pictures, and whether scripts may show others."""

    pictures: tuple[str, ...] = ()
    scripts: bool = False


class Visitor(Protocol):
    """Whoever can visit the app. What came back is in the history, under the visit's number."""

    def visit(self, number: int, phase: str) -> Visited | None:
        """Visits the page and its pictures; returns None where there is no page."""
        ...

    def rest(self) -> None:
        """Lets go of what costs memory: a long wait begins."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Notes:
    """Puts requests into a history, by a clock."""

    history: History
    clock: Clock

    def request(
        self,
        got: Got,
        address: str,
        *,
        role: Role,
        visit: int,
        phase: str,
        crowd: str = "",
        probe: str = "",
        agent: str = "",
    ) -> None:
        """Notes one request; only pages and pictures are kept, a page without the pictures inside it."""
        body, error = got.body, got.error
        if crowd:
            body = b""
        elif role is Role.PICTURE and (fault := pictures.read(body).fault):
            body, error = b"", error or (fault if got.status == 200 else "")
        elif role is Role.PAGE:
            body = b"" if pictures.media_type(body) else DATA_URL.sub(rb"data:,", body)
        self.history.events.append(
            Request(
                begin=got.begin,
                end=got.end,
                scenario=phase,
                role=role,
                method="GET",
                url=address[:300] if address.startswith("data:") else redacted(address),
                sent=[("user-agent", agent)] if agent else [],
                answer=None if got.error else self.history.answer(got.status, got.headers, body),
                error=error,
                visit=visit,
                crowd=crowd,
                probe=probe,
            )
        )


class HttpVisitor:
    """Asks for the page, then for its pictures: for the one at `image` alone where that is given.

    Each visit is that of a new visitor: it begins without cookies, and keeps those that it gets.
    """

    def __init__(self, client: Client, notes: Notes, *, image: str = "") -> None:
        self._client, self._notes, self._image = client, notes, image
        self._sheets: dict[str, str] = {}

    def close(self) -> None:
        self._client.close()

    def rest(self) -> None:
        """Nothing is held."""

    def visit(self, number: int, phase: str) -> Visited | None:
        got = self.view(number, phase)
        if got.error or got.status != 200 or pictures.media_type(got.body):
            return None
        if self._image:
            address = urljoin(got.url, self._image)
            self._picture(address, got, number, phase, probe="named")
            return Visited((address,))
        page = pages.page(got.body, got.url)
        shown = [image.address for image in page.images]
        for sheet in page.stylesheets[:MAX_SHEETS]:
            shown += pages.css_images(self._sheet(sheet), sheet)
        addresses = tuple(dict.fromkeys(filter(_can_be_one, shown)))[:MAX_PICTURES]
        for address in addresses:
            self._picture(address, got, number, phase)
        return Visited(addresses, page.scripts)

    def view(self, number: int, phase: str, *, crowd: str = "") -> Got:
        """Asks for the page alone."""
        self._client.forget()
        got = self._get(self._client.home, PAGE_HEADERS)
        self._notes.request(got, self._client.home, role=Role.PAGE, visit=number, phase=phase, crowd=crowd)
        return got

    def _picture(self, address: str, page: Got, number: int, phase: str, *, probe: str = "") -> None:
        if address.startswith("data:"):
            media, body = pictures.from_data_url(address) or ("", b"")
            error = "" if media else "a data: address that is damaged"
            headers = [("content-type", media)]
            got = Got(begin=page.begin, end=page.end, status=200, headers=headers, body=body, error=error)
        else:
            got = self._get(address, PICTURE_HEADERS, page.url)
        self._notes.request(got, address, role=Role.PICTURE, visit=number, phase=phase, probe=probe)

    def _sheet(self, address: str) -> str:
        """A style sheet; one that was there is not asked for again."""
        if address not in self._sheets:
            got = self._get(address, PAGE_HEADERS | {"Accept": "text/css,*/*;q=0.1"})
            if got.error or got.status != 200:
                return ""
            self._sheets[address] = got.body.decode("utf-8", "replace")
        return self._sheets[address]

    def _get(self, address: str, headers: dict[str, str], referer: str = "") -> Got:
        return self._client.fetch(
            "GET", address, headers=[*headers.items()], referer=referer, redirects=MAX_REDIRECTS
        )


def _can_be_one(address: str) -> bool:
    return not urlsplit(address).path.lower().endswith((".svg", ".ico")) and not address.startswith(
        "data:image/svg"
    )
