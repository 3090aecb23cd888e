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
"""Characters of all frames: a report is to be mailed. A frame that has no room is left to the JSON."""

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
        self._answers: dict[str, Answer] = {}
        self._pictures: dict[str, Answer] = {}
        self._shown: dict[tuple[int, str], Answer] = {}
        for event in history.events:
            if isinstance(event, Request) and event.answer and event.answer.status == 200:
                path = urlsplit(event.url).path
                if event.method == "GET":
                    self._answers.setdefault(path, event.answer)
                if event.role is Role.PICTURE:
                    self._shown[event.visit, path] = event.answer
                self._pictures.setdefault(event.answer.body, event.answer)

    def freeze(self, visit: Visit) -> str | None:
        """The page of a visit; None where there is none, or one that is too large to be looked at."""
        page = self._history.events[visit.event]
        if not isinstance(page, Request) or page.answer is None:
            return None
        body = self._history.bodies.get(page.answer.body, b"")
        if not body or len(body) > LARGEST:
            return None
        from bs4 import BeautifulSoup

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bs4 warns of what looks like no HTML
            soup = BeautifulSoup(body.decode("utf-8", "replace").replace("\0", "�"), "lxml")
        style = "".join(self._styles(soup))
        for tag in soup(REFUSED):
            tag.decompose()
        for tag in soup("meta"):
            if tag.get("http-equiv"):
                tag.decompose()
        for tag in soup("img"):
            self._picture(tag, visit, page)
        html = (
            '<!doctype html><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f"<style>{style}{FROZEN}</style>{soup}"
        )
        return html if len(html) <= LARGEST else None

    def _styles(self, soup: "BeautifulSoup") -> Iterator[str]:
        for link in soup("link"):
            answer = self._answers.get(urlsplit(str(link.get("href"))).path)
            if "stylesheet" in (link.get("rel") or []) and answer:
                css = self._history.bodies.get(answer.body, b"").decode("utf-8", "replace").replace("\0", "�")
                yield _tight(css)

    def _picture(self, tag: "Tag", visit: Visit, page: Request) -> None:
        source, number = str(tag.get("src") or ""), page.visit
        if INSIDE.match(source):
            tag.attrs.pop("srcset", None)
            return  # the page has brought it along
        path = urlsplit(urljoin(page.url, source)).path
        shown = visit.picture or ""
        answer = self._pictures.get(shown) if path == "/image" else self._answers.get(path)
        answer = self._shown.get((number, path), answer) if number else answer
        for name in ("src", "srcset"):
            if name in tag.attrs:
                del tag[name]
        kind = (answer.header("content-type") or "").split(";")[0].strip() if answer else ""
        content = self._history.bodies.get(answer.body, b"") if answer else b""
        if not kind.startswith("image/") and answer and (number, path) in self._shown:
            kind = media_type(content) or ""  # a browser looks at the bytes, too
        if re.fullmatch(r"image/[\w.+-]+", kind):
            tag["src"] = f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _tight(css: str) -> str:
    """A style without comments and indentation, as every frame has a copy, and without tags."""
    first, *others = css.split("/*")
    rest = "".join([first, *(part.partition("*/")[2] for part in others)])
    return " ".join(rest.split()).replace("<", "\\3c ")


def frames(verdict: Verdict, *, share: int = 1) -> list[list[Frame]]:
    """For each scenario the page views that tell most, as long as there is room, in the order of time.

    The most telling one of every scenario comes before the second of any; a failed scenario before others.
    The room is what is one of `share` equal parts of the whole.
    """
    freezer = Freezer(verdict.history)
    wanted = [telling(verdict, result) for result in verdict.scenarios]
    chosen: list[list[Frame]] = [[] for _ in wanted]
    room = BUDGET // share
    order = sorted(range(len(wanted)), key=lambda number: not verdict.scenarios[number].failures)
    for rank in range(MOST + 1):
        for number in order:
            if rank >= len(wanted[number]):
                continue
            html = freezer.freeze(wanted[number][rank])
            if html and len(html) <= room:
                room -= len(html)
                visit = wanted[number][rank]
                before = visit not in verdict.scenarios[number].visits
                chosen[number].append(Frame(visit=visit, html=html, before=before))
    return [sorted(found, key=lambda frame: frame.visit.event) for found in chosen]


def telling(verdict: Verdict, result: ScenarioResult) -> list[Visit]:
    """The visits that tell most of a scenario, the best first.

    One that a failed check is about, then the last one, then the last that showed something else: in the
    scenario, or just before it.
    """
    failed = {_page_view(verdict, check.event) for check in result.failures}
    best = [visit for visit in result.visits if _page_view(verdict, visit.event) in failed][:1]
    last = result.visits[-1:]
    everything = [visit for one in verdict.scenarios for visit in one.visits]
    earlier = [visit for visit in everything if last and visit.event < result.visits[0].event][-1:]
    other = [visit for visit in [*earlier, *result.visits] if _shows(visit) != _shows(last[0])][-1:]
    ranked = list(dict.fromkeys([*best, *last, *other, *result.visits[:1]]))
    return ranked[: MOST + bool(result.failures)]


def _shows(visit: Visit) -> tuple[str, str | None]:
    return visit.status, visit.picture


def _page_view(verdict: Verdict, number: int) -> int | str:
    """What tells a page view from others: its number, which its picture has too; else its event."""
    events = verdict.history.events
    event = events[number] if 0 <= number < len(events) else None
    return f"visit {event.visit}" if isinstance(event, Request) and event.visit else number
