"""Stretches of time, and how far the app's clock is ahead of todoctl's."""

import time
from collections.abc import Iterable
from itertools import pairwise
from math import inf
from typing import NamedTuple

_EPOCH = time.time() - time.monotonic()

CLOCK_SLACK = 0.05
"""Seconds by which two clocks may drift apart in one run, beyond the offset that they keep."""

ROUNDING = 0.0015
"""Seconds: times are given in milliseconds, cut off or rounded."""


def now() -> float:
    """Returns epoch seconds by a clock that nobody sets: this machine's as it was when todoctl began."""
    return _EPOCH + time.monotonic()


class Span(NamedTuple):
    """Some instant from `lo` to `hi` (seconds since the epoch)."""

    lo: float
    hi: float

    def shifted(self, by: float) -> "Span":
        return Span(self.lo + by, self.hi + by)

    def meets(self, other: "Span") -> bool:
        """Whether both may mean the same instant."""
        return self.lo <= other.hi + ROUNDING and other.lo <= self.hi + ROUNDING

    def common(self, other: "Span") -> "Span":
        """The instants that both mean; the two must meet."""
        lo, hi = max(self.lo, other.lo), min(self.hi, other.hi)
        return Span(min(lo, hi), max(lo, hi))


EVER = Span(-inf, inf)
NEVER = Span(-inf, -inf)


def offset(bounds: Iterable[Span]) -> Span:
    """How far the app's clock is ahead, in seconds, given what each page view says of that.

    The range that most of the `bounds` agree on, the one nearest to 0 of several: an app that tells one
    wrong time is not to look as if all the others were wrong.
    """
    spans = [Span(bound.lo - CLOCK_SLACK, bound.hi + CLOCK_SLACK) for bound in bounds]
    edges = sorted({edge for span in spans for edge in span})
    best, agreed = EVER, 0
    for lo, hi in pairwise(edges):
        votes = sum(span.lo <= lo and hi <= span.hi for span in spans)
        nearer = _distance(lo, hi) < _distance(*best)
        if votes > agreed or (votes == agreed and nearer and agreed):
            best, agreed = Span(lo, hi), votes
    return best


def _distance(lo: float, hi: float) -> float:
    return max(lo, -hi, 0.0)
