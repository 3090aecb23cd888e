"""The run to scale: what the cache held, what was asked of the app, and what was done to it."""

from itertools import pairwise
from typing import NamedTuple

from todoctl.evidence.history import Act, Download, Op
from todoctl.evidence.reports.phrases import WELL, describe, picture, short, status
from todoctl.evidence.verdict import Verdict

LEFT, RIGHT, WIDTH = 118.0, 990.0, 1000.0
"""Where the scale begins and ends, in the drawing's own units; the rows' names are left of it."""

NARROWEST = 3.0
"""So that what lasted a moment, as grace does in a quick run, can be seen."""

STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


class Bar(NamedTuple):
    """Something on the drawing: `kind` chooses its colour, `label` is written on it, `what` explains it."""

    begin: float
    end: float
    kind: str
    label: str
    what: str

    @property
    def duration(self) -> float:
        return self.end - self.begin


class Timeline:
    """Each row of the drawing, in the order of time, and where a moment (epoch seconds) is on it."""

    def __init__(self, verdict: Verdict) -> None:
        events = verdict.history.events
        acts = [event for event in events if isinstance(event, Act)]
        self.begin = verdict.history.facts.began_at
        ends = [event.end for event in events] + [span.end for span in verdict.spans]
        self.end = max([verdict.history.ended_at, self.begin + 1.0, *ends])
        self.scenarios = [
            Bar(one.begin, one.end, one.outcome.name.lower(), one.name, f"{one.name}: {one.outcome.value}")
            for one in verdict.scenarios
        ]
        visits = [visit for result in verdict.scenarios for visit in result.visits]
        self.views = [
            Bar(visit.at, visit.at, "", "", f"{status(visit.status)}, {picture(visit.picture)}")
            for visit in visits
        ]
        self.spans = [
            Bar(span.begin, span.end, span.status, span.status, short(span.status, 40))
            for span in verdict.spans
        ]
        self.downloads = [
            Bar(event.begin, event.end, "download", "", describe(event))
            for event in events
            if isinstance(event, Download)
        ]
        self.acts = [
            Bar(act.begin, act.end, act.what, act.what, describe(act))
            for act in acts
            if act.what is not Op.SERVE
        ]
        modes = [(act.end, short(act.way, 40)) for act in acts if act.what is Op.SERVE]
        self.outages = [
            Bar(begin, end, "outage", mode, f"answers with {mode}")
            for (begin, mode), (end, _) in pairwise([*modes, (self.end, "")])
            if mode != WELL
        ]

    def x(self, moment: float) -> float:
        part = (moment - self.begin) / (self.end - self.begin)
        return round(LEFT + min(max(part, 0.0), 1.0) * (RIGHT - LEFT), 1)

    def width(self, bar: Bar) -> float:
        return max(round(self.x(bar.end) - self.x(bar.begin), 1), NARROWEST)

    def ticks(self) -> list[float]:
        """About ten at round distances, in seconds since the run began."""
        whole = self.end - self.begin
        step = next((step for step in STEPS if whole / step <= 12), round(whole / 10, 1))
        return [number * step for number in range(int(whole / step) + 1)]
