"""A history as the checkers read it: in order, by the app's clock, with what its pages say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf, isinf
from typing import Any

from todoctl.evidence import pages as reading
from todoctl.evidence.history import Act, ClockStep, Download, Event, History, Op, Request, Role
from todoctl.evidence.pages import WORDS, Page, or_none
from todoctl.evidence.times import NEVER, Span, offset
from todoctl.evidence.verdict import Check
from todoctl.validation.claims import CLAIMS
from todoctl.validation.model import UNKNOWN, Fetch
from todoctl.validation.replay import Mismatch


class Timeline:
    """`pages` are the page views that were answered, by event number; `order` is that of their effects."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.pages: dict[int, Page] = {
            number: reading.answered(history, event.answer)
            for number, event in enumerate(history.events)
            if isinstance(event, Request) and event.role is Role.PAGE and _is_well(event) and event.answer
        }
        self._steps = [event for event in history.events if isinstance(event, ClockStep)]
        self._ahead = [offset(self._bounds(epoch)) for epoch in range(len(self._steps) + 1)]
        self.order = self._in_order()
        self.downloads = [(number, event) for number, event in self.order if isinstance(event, Download)]
        acts = [event for event in history.events if isinstance(event, Act)]
        self.own_sources = {act.source for act in acts if act.what is Op.SERVE}

    def fetches(self, epoch: int) -> list[Fetch]:
        """Returns all downloads, as they are after the clock was set `epoch` times.

        The times of those before and after that are of another clock: they are long over, or far off.
        """
        found = []
        for _, event in self.downloads:
            own = self._epoch(event)
            span = self.span(event) if own == epoch else NEVER if own < epoch else Span(inf, inf)
            asked = float(event.retry_after) if event.retry_after.isdecimal() else 0.0
            found.append(Fetch(span, event.picture, took=event.end - event.begin, asked=asked))
        return found

    def _epoch(self, event: Event) -> int:
        """How often this machine's clock was set before: the app's may have been set with it.

        When within a step is not known; what began after its begin comes after it in the order, too.
        """
        return sum(step.begin < event.begin for step in self._steps)

    def _bounds(self, epoch: int) -> Iterable[Span]:
        """How far the app's clock may be ahead, as each page view says."""
        for number, page in self.pages.items():
            last, event = or_none(page.observed.last_view), self.history.events[number]
            if last is not None and self._epoch(event) == epoch:
                yield Span(last.lo - event.end, last.hi - event.begin)

    def span(self, event: Event) -> Span:
        """Returns when it took effect, by the app's clock: any time where no page view has shown that."""
        ahead = self._ahead[self._epoch(event)]
        return Span(event.begin + ahead.lo, event.end + ahead.hi)

    def instant(self, event: Event, moment: float) -> Span:
        """Returns `moment`, one within `event`, by the app's clock."""
        ahead = self._ahead[self._epoch(event)]
        return Span(moment + ahead.lo, moment + ahead.hi)

    def _in_order(self) -> list[tuple[int, Event]]:
        """By when they began; a crowd where its first one began, in the order of its site counts."""
        first: dict[str, float] = {}
        for event in self.history.events:
            if isinstance(event, Request) and event.crowd:
                first[event.crowd] = min(first.get(event.crowd, event.begin), event.begin)

        def position(found: tuple[int, Event]) -> tuple[float, int]:
            number, event = found
            if isinstance(event, Request) and event.crowd:
                page = self.pages.get(number)
                return first[event.crowd], (page.observed.views or 0) if page else 0
            return event.begin, 0

        return sorted(enumerate(self.history.events), key=position)


def _is_well(event: Request) -> bool:
    return event.answer is not None and event.answer.status == 200


NAMES = {
    "downloaded": "download time",
    "expires": "expiry time",
    "last_view": "last access",
    "views": "site count",
    "picture_views": "image count",
    "grace_spent": "grace spent",
    "error": "last_error",
}
"""How reports call what was observed, where not as the model does."""

OWN_CLAIMS = {"views": "counted", "last_view": "last-access", "expires": "times", "error": "last-error"}
"""Which claim is broken where one of these is wrong; for all others it depends on what was done."""


@dataclass(slots=True)
class Findings:
    """Collects what a checker finds; `number` is always that of the event in the history."""

    checks: list[Check] = field(default_factory=list)

    def note(self, number: int, claim: str, name: str, expected: str, seen: str, *, passed: bool) -> None:
        """Adds an expectation with what was seen."""
        check = Check(
            claim=claim,
            sentence=CLAIMS[claim],
            name=name,
            expected=expected,
            seen=seen,
            passed=passed,
            event=number,
        )
        self.checks.append(check)

    def same(self, number: int, claim: str, name: str, expected: object, seen: object) -> None:
        """Adds the expectation that two things are equal."""
        self.note(number, claim, name, str(expected), str(seen), passed=expected == seen)

    def mismatches(self, number: int, wrong: Iterable[Mismatch], claims: Sequence[str]) -> None:
        """Adds what fits no possible state; `claims` are broken by what has no claim of its own."""
        for name, *values in wrong:
            expected, seen = (in_words({name: value}) for value in values)
            for claim in [OWN_CLAIMS[name]] if name in OWN_CLAIMS else claims:
                self.note(number, claim, NAMES.get(name, name), expected, seen, passed=False)


def in_words(observed: dict[str, Any]) -> str:
    """Returns an observation as in `picture 3f2a9c11d0e4, Valid, site count 5, image count 2`."""
    order = ("picture", "status", "views", "picture_views", "downloaded", "expires", "last_view")
    known = [name for name in order if name in observed] + [name for name in observed if name not in order]
    return ", ".join(_word(name, observed[name], alone=len(known) == 1) for name in known)


def _word(name: str, value: object, *, alone: bool) -> str:
    match value:
        case Span():
            text = _clock(value)
        case bool():
            text = "yes" if value else "no"
        case None:
            text = "no picture" if name == "picture" else "–"
        case _:
            text = str(value)
    if name == "picture":
        return text if value is None else "a picture" if value == UNKNOWN else f"picture {text[:12]}"
    if name == "status":
        return " or ".join(WORDS.get(word, word) for word in text.split(" or "))
    label = {"downloaded": "downloaded", "expires": "expires"}.get(name, NAMES.get(name, ""))
    return text if alone or not label else f"{label} {text}"


def _clock(span: Span) -> str:
    """Times of day (UTC), to the millisecond; a stretch where it is one."""
    ends = [_moment(moment) for moment in span if not isinf(moment)]
    if not ends:
        return "some time"
    if len(ends) == 1:
        return f"until {ends[0]}" if isinf(span.lo) else f"from {ends[0]}"
    return ends[0] if span.hi - span.lo < 0.01 else " to ".join(ends)


def _moment(moment: float) -> str:
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S.%f}"[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{moment:g}"  # no date that anybody could read
