"""The run to scale."""

import pytest

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.history import Act, Op
from todoctl.evidence.reports.timeline import LEFT, NARROWEST, RIGHT, timeline
from todoctl.evidence.verdict import Span


def test_it_is_to_scale() -> None:
    made = verdicts.verdict()
    drawn = timeline(made)
    begin, end = verdicts.BEGAN, made.history.ended_at
    grace = next(mark for mark in drawn.scenarios if mark.label == "grace")
    result = verdicts.find(made, "grace")
    assert grace.x == pytest.approx(LEFT + (result.begin - begin) / (end - begin) * (RIGHT - LEFT), abs=0.06)
    assert grace.width == pytest.approx(result.seconds / (end - begin) * (RIGHT - LEFT), abs=0.11)
    assert min(mark.width for mark in drawn.scenarios) >= NARROWEST
    assert len(drawn.views) == sum(len(result.visits) for result in made.scenarios)
    assert [mark.label for mark in drawn.acts] == ["stop", "start", "restart", "kill", "start", "stop"]
    assert len(drawn.downloads) == 3


def test_an_outage_lasts_until_the_next_word() -> None:
    made = verdicts.verdict()
    outages = timeline(made).outages
    assert [mark.label for mark in outages] == ["error", "slow", "login"]
    assert outages[0].begin + outages[0].seconds == pytest.approx(outages[1].begin)
    at = made.history.ended_at - 1
    made.history.events.append(Act(begin=at, end=at, scenario="", what=Op("serve"), way="slow"))
    last = timeline(made).outages[-1]
    assert last.begin + last.seconds == pytest.approx(made.history.ended_at)
    assert timeline(verdicts.verdict(names=2)).outages == []


@pytest.mark.parametrize(
    ("seconds", "labels"), [(3.0, ["0 s", "0.5 s"]), (700.0, ["0 s", "60 s"]), (90_000.0, ["0 s", "9000 s"])]
)
def test_ticks_are_at_round_distances(seconds: float, labels: list[str]) -> None:
    made = verdicts.verdict(names=1)
    made.spans.append(Span(begin=verdicts.BEGAN, end=verdicts.BEGAN + seconds, status="valid"))
    ticks = timeline(made).ticks
    assert [tick.label for tick in ticks[:2]] == labels
    assert len(ticks) <= 13
