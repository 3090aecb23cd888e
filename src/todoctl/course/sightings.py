"""From a history to what was seen: visits with their pictures, and how long each picture lived."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isinf

from todoctl.course import labels
from todoctl.course.labels import SECOND, ZONES, Labels
from todoctl.evidence import pictures
from todoctl.evidence.history import Act, History, Request, Role, Volume
from todoctl.evidence.times import Span

NEAR = 0.1
"""Seconds between a file's time, by this machine's clock, and what is done with it."""

NO_PICTURE = "a page without a picture"
"""Of its HTML: a browser may see one."""

CLOCKS = 2.0
"""Seconds by which what another clock tells may be off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One visit: what it showed between `begin` (of the page) and `end` (of the picture).

    `event` is the page's number in the history, `asked` when the picture was asked for; `picture` is a
    SHA-256, empty where none was seen, and `problem` says why; `missing`: the app said that there was none.
    """

    event: int
    phase: str
    begin: float
    asked: float
    end: float
    picture: str
    problem: str
    told: Labels
    missing: bool


def sightings(history: History) -> list[Sighting]:
    """All visits, in order; the page views during a restart are none."""
    shown: dict[int, list[Request]] = {}
    for event in history.events:
        if isinstance(event, Request) and event.role is Role.PICTURE:
            shown.setdefault(event.visit, []).append(event)
    return [
        _sighting(history, number, event, shown.get(event.visit, []))
        for number, event in enumerate(history.events)
        if isinstance(event, Request) and event.role is Role.PAGE and not event.crowd
    ]


def _sighting(history: History, number: int, page: Request, asked: list[Request]) -> Sighting:
    found, problem = None, ""
    if page.answer is None:
        problem = f"no answer ({page.error})"
    elif page.answer.status != 200:
        problem = f"HTTP {page.answer.status} instead of a page"
    else:
        for request in asked:
            problem = _fault(history, request)
            if not problem:
                found = request
                break
        else:
            problem = problem or NO_PICTURE
    html = history.bodies.get(page.answer.body, b"").decode("utf-8", "replace") if page.answer else ""
    return Sighting(
        event=number,
        phase=page.scenario,
        begin=page.begin,
        asked=found.begin if found else page.begin,
        end=found.end if found else max([page.end, *(request.end for request in asked)]),
        picture=found.answer.body if found and found.answer else "",
        problem=problem,
        told=labels.read(html),
        missing=not found and any(request.answer and request.answer.status == 404 for request in asked),
    )


def _fault(history: History, request: Request) -> str:
    if request.answer is None:
        return f"no answer to the picture's request ({request.error})"
    if request.answer.status != 200:
        return f"HTTP {request.answer.status} instead of the picture"
    wrong = pictures.fault(history.bodies.get(request.answer.body, b""))
    return wrong and f"{wrong} instead of the picture"


@dataclass(slots=True, kw_only=True)
class Life:
    """A picture from the first visit that showed it to the last before another one was shown.

    `born`: when it came, at the earliest and the latest. `gone` is when another picture was first seen
    (infinite: never), at the latest; `restarted` says that the app was restarted before that.
    """

    picture: str
    seen: list[Sighting]
    born: Span
    gone: float = inf
    restarted: bool = False
    fresh: bool = True

    @property
    def at_least(self) -> float:
        """Seconds that it surely was shown, after it came."""
        return self.seen[-1].asked - self.born.hi

    @property
    def twice(self) -> float:
        """The same for the last view but one: the last one may have been a grace view."""
        return self.seen[-2].asked - self.born.hi if len(self.seen) > 1 else 0.0

    @property
    def at_most(self) -> float:
        return self.gone - self.born.lo


def lives(history: History) -> list[Life]:
    """The pictures in the order of the visits. What a label tells counts for the first one alone."""
    restarts = [event.begin for event in history.events if isinstance(event, Act) and event.what == "restart"]
    found: list[Life] = []
    missing = -inf
    for sighting in sightings(history):
        if not sighting.picture:
            missing = sighting.begin if sighting.missing else missing
            continue
        if found and found[-1].picture == sighting.picture:
            found[-1].seen.append(sighting)
            continue
        born = Span(missing, sighting.end)
        if found:
            before = found[-1].seen[-1]
            found[-1].gone = sighting.end
            found[-1].restarted = any(before.end <= moment <= sighting.begin for moment in restarts)
            born = Span(before.begin, sighting.end)
        found.append(Life(picture=sighting.picture, seen=[sighting], born=born, fresh=not isinf(born.lo)))
    away = zone(history)
    for life in found:
        told = [*_filed(history, life)] if life.fresh else [*_filed(history, life), *_labelled(life, away)]
        fitting = [span for span in told if span.lo < life.born.hi and span.hi > life.born.lo]
        if fitting:
            life.born = Span(max(fitting[0].lo, life.born.lo), min(fitting[0].hi, life.born.hi))
    return found


def _labelled(life: Life, away: float | None) -> Iterator[Span]:
    """When the page says that the picture came."""
    told = life.seen[0].told
    if told.downloaded and (told.zoned or away is not None):
        yield told.downloaded.shifted(0.0 if told.zoned else -(away or 0.0))


def _filed(history: History, life: Life) -> Iterator[Span]:
    """When its file was written, if that is told alike by every look: a view may write it anew."""
    size = len(history.bodies.get(life.picture, b""))
    files = [
        file
        for event in history.events
        if isinstance(event, Volume) and life.seen[0].begin <= event.begin <= life.gone
        for file in event.files
        if file.modified and (file.body == life.picture if file.body else file.size == size)
    ]
    if files and len({file.modified for file in files}) == 1:
        near = NEAR if files[0].body else SECOND
        yield Span(files[0].modified - near, files[0].modified + near)


def zone(history: History) -> float | None:
    """How many seconds the zone of the labels is ahead of UTC, by the last access that they tell."""
    ahead = [
        round((seen.told.last_view.lo - seen.begin) / ZONES) * ZONES
        for seen in sightings(history)
        if seen.told.last_view and not seen.told.zoned
    ]
    return max(set(ahead), key=ahead.count) if ahead else None
