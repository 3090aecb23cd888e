"""Where the time of a run went, from its events."""

from dataclasses import dataclass

from todoctl.evidence.history import Act, Log
from todoctl.evidence.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Seconds of one scenario: the app was started or stopped, something was asked, nothing was done."""

    name: str
    whole: float
    acts: float
    asking: float

    @property
    def waiting(self) -> float:
        """Nothing was under way: time had to pass."""
        return max(self.whole - self.acts - self.asking, 0.0)


def durations(verdict: Verdict) -> list[Duration]:
    """One line for each scenario, one for what was between them, and their sum."""
    begin, end = verdict.history.facts.began_at, verdict.history.ended_at
    lines = [_within(verdict, result.name, result.begin, result.end) for result in verdict.scenarios]
    whole = _within(verdict, "whole run", begin, max(begin, end))
    between = Duration(
        name="before, between and after them",
        whole=max(whole.whole - sum(line.whole for line in lines), 0.0),
        acts=max(whole.acts - sum(line.acts for line in lines), 0.0),
        asking=max(whole.asking - sum(line.asking for line in lines), 0.0),
    )
    return [*lines, between, whole]


def _within(verdict: Verdict, name: str, begin: float, end: float) -> Duration:
    acts, all_of_it = [], []
    for event in verdict.history.events:
        if isinstance(event, Log):
            continue  # collected beside everything else
        stretch = (max(event.begin, begin), min(event.end, end))
        if stretch[0] < stretch[1]:
            all_of_it.append(stretch)
            if isinstance(event, Act):
                acts.append(stretch)
    covered = _covered(acts)
    return Duration(name=name, whole=end - begin, acts=covered, asking=_covered(all_of_it) - covered)


def _covered(stretches: list[tuple[float, float]]) -> float:
    """Seconds that at least one of the stretches covers: many requests at once take no longer than one."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(stretches):
        total += max(end - max(begin, until), 0.0)
        until = max(until, end)
    return total
