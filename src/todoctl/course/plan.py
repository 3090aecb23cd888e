"""When an app is visited: every wait of a run, as a function of the documented time."""

from dataclasses import dataclass
from math import isinf

from todoctl.evidence.times import Span

PACE = 1.0
"""Seconds between two visits at least, so that a stranger's app has little to do."""

PARTS = (0.25, 0.5, 0.75)
"""Of a picture's time: when it is visited."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The waits of a run at an app that keeps a picture for `ttl` seconds. At a short one all are shorter."""

    ttl: float
    pace: float = PACE

    @property
    def scale(self) -> float:
        """1 from a minute on."""
        return min(1.0, self.ttl / 60)

    @property
    def slack(self) -> float:
        """How far from an expiry a visit keeps, so that it is certain on which side it is."""
        return min(2.0, self.ttl / 15)

    @property
    def first_pictures(self) -> tuple[float, ...]:
        """Waits before the first visits; the later ones are only made where there is no picture yet."""
        return (0.0, self.pace, self.pace, 5 * self.scale, 15 * self.scale)

    @property
    def late(self) -> tuple[float, ...]:
        """Visits after the expiry, in seconds, where no new picture has come with the first three."""
        return tuple(moment * self.scale for moment in (5.0, 15.0, 30.0, 65.0))

    @property
    def settling(self) -> float:
        """How long the app is still viewed after a restart command: it may end before the restart does."""
        return 20 * self.scale

    @property
    def most_settling(self) -> float:
        """The same where the app does not answer any more."""
        return 120 * self.scale

    def whole(self) -> float:
        """Seconds that a run takes at most where a picture's age is known at its begin."""
        return self.ttl + self.late[-1]

    def looks(self, now: float, born: Span, takes: float = 0.0) -> list[float]:
        """When to visit while a picture lives that came at some moment of `born`: until it is surely old.

        After a quarter, a half and three quarters of the time, and just before its end; twice each where that
        matters: one view alone may be a grace view, the next would get the new picture. Where it is not known
        well when the picture came, the visits go on until it must be gone: whoever sees it go knows when the
        next one came. A visit may take as long as `takes`.
        """
        end = born.hi + self.ttl
        pace, margin = max(self.pace, takes), max(self.slack, 1.5 * takes)
        if isinf(born.lo):
            return self._later(
                now, [now + part * (end - now) + more for part in PARTS for more in (0.0, pace)]
            )
        certain = born.lo + self.ttl - margin
        moments = [now + part * (certain - pace - now) for part in (*PARTS, 1.0)] + [certain]
        step = max(self.pace, self.ttl / 40)
        if born.hi - born.lo > step + 2 * margin + pace:
            moments += [certain + number * step for number in range(1, int((end - certain) / step) + 1)]
            moments = [moment for moment in moments if moment < end - margin - 2 * pace]
            moments += [end - margin - pace, end - margin]
        return self._later(now, moments)

    def _later(self, now: float, moments: list[float]) -> list[float]:
        """Those still to come, at the pace."""
        kept: list[float] = []
        for moment in moments:
            if moment >= (kept[-1] if kept else now) + 0.99 * self.pace:
                kept.append(moment)
        return kept

    def after_expiry(self, born: Span) -> float:
        """When the picture is surely too old."""
        return born.hi + self.ttl + self.slack
