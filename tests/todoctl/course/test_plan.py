"""When an app is visited."""

from itertools import pairwise
from math import inf

import pytest

from todoctl.course.plan import Plan
from todoctl.evidence.times import Span


@pytest.mark.parametrize("ttl", [20.0, 60.0, 600.0, 3600.0])
@pytest.mark.parametrize("age", [(inf, 0.0), (1.2, 0.0), (0.4, 0.25)])
def test_visits_keep_the_pace_and_the_time(ttl: float, age: tuple[float, float]) -> None:
    plan = Plan(ttl)
    lo, hi = -age[0] if age[0] > 1 else -age[0] * ttl, -age[1] * ttl
    moments = plan.looks(2.0, Span(lo, hi))
    assert all(later - sooner >= 0.99 for sooner, later in pairwise([2.0, *moments]))
    assert all(moment <= hi + ttl for moment in moments)
    assert plan.after_expiry(Span(lo, hi)) > hi + ttl


def test_at_ten_minutes() -> None:
    plan = Plan(600.0)
    assert [round(moment) for moment in plan.looks(2.0, Span(-1.0, 0.0))] == [150, 299, 448, 596, 597]
    assert [round(moment) for moment in plan.looks(0.0, Span(-inf, 0.0))] == [150, 151, 300, 301, 450, 451]
    assert plan.looks(700.0, Span(-1.0, 0.0)) == [], "what is too old by now is not waited for"
    wide = plan.looks(150.0, Span(0.0, 150.0))
    assert max(later - sooner for sooner, later in pairwise(wide[5:])) <= 20, "so as to see it go"
    assert plan.late == (5.0, 15.0, 30.0, 65.0)
    assert plan.whole() == 665.0


def test_a_short_time_is_waited_for_more_closely() -> None:
    assert Plan(6.0).late[-1] == pytest.approx(6.5)
    assert Plan(6.0).settling == 2.0
    assert Plan(6.0).most_settling == 12.0
    assert Plan(6.0).first_pictures == (0.0, 1.0, 1.0, 0.5, 1.5)
