"""Page views as they were served: the recorded HTML with its style and picture, frozen, for an `<iframe>`.

What the app sent is not trusted. The frame's sandbox and the policy in it see to it that nothing in it runs
and nothing is loaded; scripts and links are taken out so that the browser has nothing to complain of.
"""

import base64
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from todoctl.evidence.history import Answer, History, Request, Role
from todoctl.evidence.pictures import media_type
from todoctl.evidence.verdict import ScenarioResult, Verdict, Visit

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

BUDGET = 700_000
"""Characters of all frames: a report is to be mailed. What is beyond that is in the JSON alone."""

LARGEST = 200_000
"""Characters of one frame: something is wrong with a page that is larger."""

MOST = 2
"""Frames of a scenario: what it was before and what it came to. One more where a check failed."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

FROZEN = "*{animation:none!important;transition:none!important}"
"""What is not on the screen is not animated, and would be printed as it was at the animation's begin."""

INSIDE = re.compile(r"data:image/(?!svg)[\w.+-]+[;,]", re.IGNORECASE)
"""The address of a picture that is its own content, and cannot be a program."""

REFUSED = ("script", "link", "base", "iframe", "frame", "object", "embed", "portal", "template")
"""Elements that run, load or lead elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A page view as an HTML document of its own; `before` the scenario, where that is what tells."""

    visit: Visit
    html: str
    before: bool


class Freezer:
    """Makes documents of the page views of one history."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._answers: dict[tuple[int, str], Answer] = {}
        """By visit and path: pictures have the number of the visit that they were shown in, the rest 0."""
        for event in history.events:
            if not isinstance(event, Request) or not event.answer or event.answer.status != 200:
                continue
            if event.method == "GET" and (event.visit or event.role is Role.PROBE):
                self._answers[event.visit, urlsplit(event.url).path] = event.answer

    def freeze(self, visit: Visit) -> str | None:
        """The page of a visit; None where there is none, or one that is too large to be looked at."""
        page = self._history.events[visit.event]
        body = self._body(page.answer) if isinstance(page, Request) and page.answer else b""
        if not isinstance(page, Request) or not 0 < len(body) <= LARGEST:
            return None
        from bs4 import BeautifulSoup

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bs4 warns of what looks like no HTML
            soup = BeautifulSoup(_text(body), "lxml")
        style = "".join(self._styles(soup))
        for tag in [*soup(REFUSED), *soup("meta", attrs={"http-equiv": True})]:
            tag.decompose()
        for tag in soup("img"):
            self._show(tag, page)
        html = (
            '<!doctype html><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f"<style>{style}{FROZEN}</style>{soup}"
        )
        return html if len(html) <= LARGEST else None

    def _body(self, answer: Answer) -> bytes:
        return self._history.bodies.get(answer.body, b"")

    def _styles(self, soup: "BeautifulSoup") -> Iterator[str]:
        for link in soup("link", rel="stylesheet"):
            if answer := self._answers.get((0, urlsplit(str(link.get("href"))).path)):
                yield _tight(_text(self._body(answer)))

    def _show(self, tag: "Tag", page: Request) -> None:
        """Puts the picture itself where the page has its address; one that is inside the page stays."""
        source = str(tag.attrs.pop("src", ""))
        tag.attrs.pop("srcset", None)
        if INSIDE.match(source):
            tag["src"] = source
            return
        path = urlsplit(urljoin(page.url, source)).path
        shown = self._answers.get((page.visit, path)) if page.visit else None
        if answer := shown or self._answers.get((0, path)):
            kind = (answer.header("content-type") or "").split(";")[0].strip()
            if not kind.startswith("image/") and shown:
                kind = media_type(self._body(answer)) or ""  # a browser looks at the bytes, too
            if re.fullmatch(r"image/[\w.+-]+", kind):
                tag["src"] = f"data:{kind};base64,{base64.b64encode(self._body(answer)).decode()}"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\0", "\ufffd")


def _tight(css: str) -> str:
    """A style without comments and indentation, as every frame has a copy, and without tags."""
    first, *others = css.split("/*")
    rest = "".join([first, *(part.partition("*/")[2] for part in others)])
    return " ".join(rest.split()).replace("<", "\\3c ")


def frames(verdict: Verdict, *, share: int = 1) -> list[list[Frame]]:
    """For each scenario the page views that tell most, as long as there is space, in the order of time.

    The most telling one of every scenario comes before the second of any; a failed scenario before others.
    The space is one of `share` equal parts of the whole.
    """
    freezer, left = Freezer(verdict.history), BUDGET // share
    chosen: list[list[Frame]] = [[] for _ in verdict.scenarios]
    wanted = [
        (rank, not result.failures, number, visit)
        for number, result in enumerate(verdict.scenarios)
        for rank, visit in enumerate(telling(verdict, result))
    ]
    for _, _, number, visit in sorted(wanted, key=lambda one: one[:3]):
        html = freezer.freeze(visit)
        if html and len(html) <= left:
            left -= len(html)
            before = visit not in verdict.scenarios[number].visits
            chosen[number].append(Frame(visit=visit, html=html, before=before))
    return [sorted(found, key=lambda frame: frame.visit.event) for found in chosen]


def telling(verdict: Verdict, result: ScenarioResult) -> list[Visit]:
    """The visits that tell most of a scenario, the best first.

    One that a failed check is about, then the last one, then the last that showed something else: in the
    scenario, or just before it.
    """
    if not result.visits:
        return []
    failed = {_page_view(verdict, check.event) for check in result.failures}
    best = [visit for visit in result.visits if _page_view(verdict, visit.event) in failed][:1]
    last, first = result.visits[-1], result.visits[0]
    everything = [visit for one in verdict.scenarios for visit in one.visits]
    earlier = [visit for visit in everything if visit.event < first.event][-1:]
    shown = last.status, last.picture
    other = [one for one in [*earlier, *result.visits] if (one.status, one.picture) != shown][-1:]
    return list(dict.fromkeys([*best, last, *other, first]))[: MOST + bool(result.failures)]


def _page_view(verdict: Verdict, number: int) -> int | str:
    """What tells a page view from others: its number, which its picture has too; else its event."""
    events = verdict.history.events
    event = events[number] if 0 <= number < len(events) else None
    return f"visit {event.visit}" if isinstance(event, Request) and event.visit else number
