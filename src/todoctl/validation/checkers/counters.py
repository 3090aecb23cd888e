"""Counts, which only many requests together show: they go up, and by nothing but page views."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from todoctl.evidence.history import Act, Op, Request, Role
from todoctl.evidence.verdict import Check
from todoctl.validation.checkers.policy import Replayed
from todoctl.validation.checkers.timeline import Findings, Timeline
from todoctl.validation.model import Kind
from todoctl.validation.probes import PROBES

RUN = 10
"""Requests in a row, each with the same number of page views of others: no visitor comes as regularly."""

UNEVEN, MIN_LONGEST = 5.0, 0.05
"""How many times longer than the shortest time between two of them the longest is, at least; and its seconds.

A visitor who comes again and again comes more often in a longer time; an app that counts wrong does not.
"""

MIN_OTHERS, REST = 4, 20.0
"""How many page views of others are a pattern, where all came with requests that are no page views, and how
many times longer all other times together have to be, in which nobody came.
"""

OVERLAPPING = 64
"""Page views that may be under way at once, and more."""


@dataclass
class Run:
    """Requests in a row, each with the same number of `others` since the one before."""

    others: int = 0
    seconds: list[float] = field(default_factory=list)
    reported: bool = False

    def add(self, others: int, seconds: float) -> int:
        """Returns how many views too many the app counts with each, once that is certain; else 0."""
        if others != self.others:
            self.others, self.seconds = others, []
        self.seconds.append(seconds)
        uneven = max(self.seconds) >= max(UNEVEN * min(self.seconds), MIN_LONGEST)
        if self.reported or not others or len(self.seconds) < RUN or not uneven:
            return 0
        self.reported = True
        return others


def check(timeline: Timeline, replayed: Replayed) -> list[Check]:
    """Returns what is found of the counts."""
    findings = Findings()
    _increasing(timeline, findings)
    _quiet(timeline, replayed, findings)
    _crowds(timeline, replayed, findings)
    return findings.checks


def _increasing(timeline: Timeline, findings: Findings) -> None:
    """Who comes later sees a higher count; while the volume is out of reach nothing is promised."""
    counts: list[tuple[float, int]] = []
    away = False
    for number, event in timeline.order:
        if isinstance(event, Act):
            away = event.what is Op.DETACH or (away and event.what is not Op.ATTACH and not event.emptied)
            counts = [] if event.emptied or event.what is Op.ATTACH else counts
        views = timeline.pages[number].observed.views if number in timeline.pages else None
        if views is None or away:
            continue
        before = max((count for end, count in counts if end < event.begin), default=-1)
        if views <= before:
            findings.note(number, "counted", "site count", f"more than {before}", str(views), passed=False)
        counts = [*counts[-OVERLAPPING:], (event.end, views)]


def _quiet(timeline: Timeline, replayed: Replayed, findings: Findings) -> None:
    """Nothing is counted but page views, and each of them once."""
    asked: list[str] = []
    views, looks = Run(), defaultdict[str, Run](Run)
    last_view = last = None
    since_view = 0
    # By whether something else than a page was asked for:
    came, seconds = Counter[bool](), defaultdict[bool, float](float)
    pattern: tuple[int, str] | None = None

    def wrong(number: int, claim: str, expected: str, seen: str) -> None:
        findings.note(number, claim, "site count", expected, seen, passed=False)

    for number, event in timeline.order:
        others = replayed.others.get(number, 0)
        since_view += others
        if not isinstance(event, Request) or not event.answer:
            came[False] += others  # seen on the volume
            continue
        if event.role in {Role.PICTURE, Role.PROBE}:
            asked.append(event.probe or "GET /image")
            continue
        name = asked[-1] if asked else "GET /api/cache"
        between = 0.0 if last is None else event.begin - last
        came[bool(asked)] += others
        seconds[bool(asked)] += between
        if asked and others:
            pattern = number, name
        if event.role is Role.PAGE:
            if more := views.add(since_view, 0.0 if last_view is None else event.begin - last_view):
                seen = f"{more + 1} more with each of {RUN} page views in a row"
                wrong(number, "counted", "one more with each page view", seen)
            last_view, since_view = event.begin, 0
        elif last is not None and (more := looks[name].add(others, between)):
            wrong(number, _claim(name), f"not changed by {name}", f"{more} more after each of {RUN}")
            pattern = None
            came.clear()
        last, asked = event.begin, []
    if pattern and came[True] >= MIN_OTHERS and not came[False] and seconds[False] > REST * seconds[True]:
        number, name = pattern
        seen = f"{came[True]} more, and none at any other time"
        wrong(number, _claim(name), "not changed by what is no page view", seen)


def _claim(name: str) -> str:
    if name == "GET /api/cache":
        return "state"
    return PROBES[name].claim if name in PROBES else "picture"


def _crowds(timeline: Timeline, replayed: Replayed, findings: Findings) -> None:
    """What came of those who came at once, after the last of them."""
    crowds: defaultdict[str, list[int]] = defaultdict(list)
    for number, event in timeline.order:
        if isinstance(event, Request) and event.crowd:
            crowds[event.crowd].append(number)
    for numbers in crowds.values():
        found = [replayed.kinds.get(number, set()) for number in numbers]
        if any(len(kinds) != 1 for kinds in found):
            continue
        came = Counter(kind for kinds in found for kind in kinds)
        claim = "grace" if Kind.GRACE in came else "renew" if Kind.RENEW in came else "valid"
        seen = ", ".join(f"{came[kind]} × {kind}" for kind in Kind if kind in came)
        name = f"{len(numbers)} visitors at once"
        expected = "each answered, and counted once"
        findings.note(numbers[-1], f"crowd-{claim}", name, expected, seen, passed=True)
