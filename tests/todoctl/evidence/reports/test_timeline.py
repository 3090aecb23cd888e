"""The run to scale."""

import pytest

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.history import Act, Op
from todoctl.evidence.reports.timeline import LEFT, NARROWEST, RIGHT, Timeline
from todoctl.evidence.verdict import Span


def test_it_is_to_scale() -> None:
    made = verdicts.verdict()
    drawn = Timeline(made)
    begin, end = verdicts.BEGAN, made.history.ended_at
    grace = next(bar for bar in drawn.scenarios if bar.label == "grace")
    result = verdicts.find(made, "grace")
    x = LEFT + (result.begin - begin) / (end - begin) * (RIGHT - LEFT)
    assert drawn.x(grace.begin) == pytest.approx(x, abs=0.06)
    assert drawn.width(grace) == pytest.approx(result.seconds / (end - begin) * (RIGHT - LEFT), abs=0.11)
    assert min(map(drawn.width, drawn.scenarios)) >= NARROWEST
    assert len(drawn.views) == sum(len(result.visits) for result in made.scenarios)
    assert [bar.label for bar in drawn.acts] == ["stop", "start", "restart", "kill", "start", "stop"]
    assert len(drawn.downloads) == 3


def test_an_outage_lasts_until_the_next_word() -> None:
    made = verdicts.verdict()
    outages = Timeline(made).outages
    assert [bar.label for bar in outages] == ["error", "slow", "login"]
    assert outages[0].end == pytest.approx(outages[1].begin)
    at = made.history.ended_at - 1
    made.history.events.append(Act(begin=at, end=at, scenario="", what=Op("serve"), way="slow"))
    assert Timeline(made).outages[-1].end == pytest.approx(made.history.ended_at)
    assert Timeline(verdicts.verdict(names=2)).outages == []


@pytest.mark.parametrize(("seconds", "first"), [(3.0, [0, 0.5]), (700.0, [0, 60]), (90_000.0, [0, 9000])])
def test_ticks_are_at_round_distances(seconds: float, first: list[float]) -> None:
    made = verdicts.verdict(names=1)
    made.spans.append(Span(begin=verdicts.BEGAN, end=verdicts.BEGAN + seconds, status="valid"))
    ticks = Timeline(made).ticks()
    assert ticks[:2] == first
    assert len(ticks) <= 13
