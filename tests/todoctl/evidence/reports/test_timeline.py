"""The run to scale, and where its time went."""

import pytest

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.history import Act, Op
from todoctl.evidence.reports.durations import durations
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


def test_the_same_is_told_in_words() -> None:
    made = verdicts.verdict()
    told = timeline(made).told()
    begins = [mark.begin for _, mark in told]
    assert begins == sorted(begins)
    assert {row for row, _ in told} == {"scenario", "page view", "cache", "download", "app", "image service"}


@pytest.mark.parametrize(
    ("seconds", "labels"), [(3.0, ["0 s", "0.5 s"]), (700.0, ["0 s", "60 s"]), (90_000.0, ["0 s", "9000 s"])]
)
def test_ticks_are_at_round_distances(seconds: float, labels: list[str]) -> None:
    made = verdicts.verdict(names=1)
    made.spans.append(Span(begin=verdicts.BEGAN, end=verdicts.BEGAN + seconds, status="valid"))
    ticks = timeline(made).ticks
    assert [tick.label for tick in ticks[:2]] == labels
    assert len(ticks) <= 13


def test_the_time_is_accounted_for() -> None:
    made = verdicts.verdict()
    lines = {line.name: line for line in durations(made)}
    grace, restart, whole = lines["grace"], lines["restart"], lines["whole run"]
    assert grace.acts == 0.0
    assert grace.waiting == pytest.approx(verdicts.TTL)
    assert restart.acts == pytest.approx(1.4)
    assert restart.waiting == pytest.approx(0.0, abs=1e-6)
    assert lines["before, between and after them"].acts == pytest.approx(0.5)
    assert whole.whole == pytest.approx(made.seconds)
    for part in ("whole", "acts", "asking", "waiting"):
        assert sum(getattr(line, part) for line in lines.values()) == pytest.approx(2 * getattr(whole, part))
