"""The run to scale: what the cache held, what was asked of the app, and what was done to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from todoctl.evidence.history import Act, Download, Op
from todoctl.evidence.reports.phrases import WELL, describe, picture, short, status
from todoctl.evidence.verdict import Verdict

LEFT, RIGHT = 118.0, 990.0
"""Where the scale begins and ends, in the drawing's own units; the rows' names are left of it."""

WIDTH = 1000.0

NARROWEST = 3.0
"""So that what lasted a moment, as grace does in a quick run, can be seen."""

STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something on the drawing: `kind` chooses its colour, `label` is written on it, `what` tells of it."""

    x: float
    width: float = 0.0
    kind: str = ""
    label: str = ""
    what: str = ""
    begin: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Each row of the drawing, in the order of time."""

    scenarios: list[Mark]
    views: list[Mark]
    spans: list[Mark]
    downloads: list[Mark]
    acts: list[Mark]
    outages: list[Mark]
    ticks: list[Mark]


class Scale:
    """From moments (epoch seconds) to places on the drawing."""

    def __init__(self, verdict: Verdict) -> None:
        self.begin = verdict.history.facts.began_at
        ends = [event.end for event in verdict.history.events] + [span.end for span in verdict.spans]
        self.end = max([verdict.history.ended_at, self.begin + 1.0, *ends])

    def x(self, moment: float) -> float:
        part = (moment - self.begin) / (self.end - self.begin)
        return round(LEFT + min(max(part, 0.0), 1.0) * (RIGHT - LEFT), 1)

    def bar(self, begin: float, end: float, *, kind: str, label: str, what: str) -> Mark:
        x = self.x(begin)
        return Mark(
            x=x,
            width=max(round(self.x(end) - x, 1), NARROWEST),
            kind=kind,
            label=label,
            what=what,
            begin=begin,
            seconds=end - begin,
        )

    def ticks(self) -> list[Mark]:
        """About ten at round distances, labelled with the time since the run began."""
        whole = self.end - self.begin
        step = next((step for step in STEPS if whole / step <= 12), round(whole / 10, 1))
        return [
            Mark(x=self.x(self.begin + number * step), label=f"{number * step:g} s")
            for number in range(int(whole / step) + 1)
        ]


def timeline(verdict: Verdict) -> Timeline:
    """Everything that the drawing shows."""
    scale = Scale(verdict)
    events = verdict.history.events
    return Timeline(
        scenarios=[
            scale.bar(
                result.begin,
                result.end,
                kind=result.outcome.name.lower(),
                label=result.name,
                what=f"{result.name}: {result.outcome.value}",
            )
            for result in verdict.scenarios
        ],
        views=[
            Mark(
                x=scale.x(visit.at),
                what=f"{status(visit.status)}, {picture(visit.picture)}",
                begin=visit.at,
            )
            for result in verdict.scenarios
            for visit in result.visits
        ],
        spans=[
            scale.bar(span.begin, span.end, kind=span.status, label=span.status, what=short(span.status, 40))
            for span in verdict.spans
        ],
        downloads=[
            scale.bar(event.begin, event.end, kind="download", label="", what=describe(event))
            for event in events
            if isinstance(event, Download)
        ],
        acts=[
            scale.bar(event.begin, event.end, kind=event.what, label=event.what, what=describe(event))
            for event in events
            if isinstance(event, Act) and event.what is not Op.SERVE
        ],
        outages=list(_outages(verdict, scale)),
        ticks=scale.ticks(),
    )


def _outages(verdict: Verdict, scale: Scale) -> Iterator[Mark]:
    """From each word to the image service to answer in another way until the next such word."""
    serves = [event for event in verdict.history.events if isinstance(event, Act) and event.what is Op.SERVE]
    ends = [event.end for event in serves[1:]] + [scale.end]
    for event, end in zip(serves, ends, strict=False):
        if event.way != WELL:
            way = short(event.way, 40)
            yield scale.bar(event.end, end, kind="outage", label=way, what=f"answers with {way}")
