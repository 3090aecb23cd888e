"""The model where no whole history leads easily."""

from collections.abc import Iterable
from math import inf

import pytest

from todoctl.evidence.pages import Observation
from todoctl.evidence.times import EVER, NEVER, Span
from todoctl.validation import model as policy
from todoctl.validation.model import EMPTY, UNKNOWN, Fetch, Kind, State
from todoctl.validation.replay import MOST_STRANGERS, StateSet

AT = Span(100.0, 100.5)
OLD, NEW = Span(10.0, 10.0), Span(20.0, 20.0)
ONE = EMPTY._replace(picture="one", downloaded=OLD, views=5, picture_views=3, last_view=Span(15.0, 15.0))


def test_a_fetch_that_others_wait_for_counts_them_when_it_ends() -> None:
    state = ONE._replace(pending=0, waited=True, error=True, grace_spent=True)
    for picture in ("two", ""):
        fetches = [Fetch(Span(99.0, 100.2), picture)]
        ended, just_ended, under_way = policy.settle(state, AT, fetches)
        assert under_way == state
        assert (ended.views, ended.picture_views, ended.waited) == (6, 1 if picture else 4, False)
        assert (just_ended.views, just_ended.picture_views) == (5, 0 if picture else 3)
        assert ended._replace(last_view=None) in {
            one._replace(last_view=None) for one in policy.settle(just_ended, AT, fetches)
        }
    assert list(policy.settle(state, Span(90.0, 91.0), [Fetch(Span(99.0, 100.2), "two")])) == [state]
    assert len(list(policy.settle(state, Span(102.0, 102.1), [Fetch(Span(99.0, 100.2), "two")]))) == 1


def kinds(state: State, fetches: Iterable[Fetch]) -> set[tuple[Kind, bool]]:
    steps = policy.view(state, AT, AT, 1.0, list(fetches))
    return {(step.kind, step.state.waited) for step in steps}


def test_only_after_a_failure_does_nobody_wait_with_the_others() -> None:
    spent = ONE._replace(grace_spent=True)
    fetches = [Fetch(Span(100.1, 100.2), "two", 0.1)]
    assert kinds(spent, fetches) == {(Kind.RENEW, False)}
    failed = spent._replace(error=True, failed=NEW, failures=1)
    assert kinds(failed, fetches) == {(Kind.RENEW, False), (Kind.KEPT, True)}
    assert kinds(failed._replace(pending=0, waited=True, explained=1), fetches) == {(Kind.KEPT, True)}


def test_what_is_not_known_of_an_image_service_that_is_not_ours() -> None:
    assert list(policy.settle(ONE._replace(pending=3), AT, None)) == [ONE._replace(pending=3)]
    starting = EMPTY._replace(starting=True)
    found = list(policy.settle(starting, AT, None))
    assert [(state.picture, state.error) for state in found] == [
        (None, False),
        (UNKNOWN, False),
        (None, True),
    ]


def test_after_too_many_others_anything_is_possible() -> None:
    state_set = StateSet(600.0)
    state_set.states = {ONE}
    seen = state_set.look(AT, Observation(views=5 + MOST_STRANGERS + 1))
    assert seen.strangers == MOST_STRANGERS + 1
    assert not seen.mismatches
    assert {state.picture for state in state_set.states} == {None, UNKNOWN}


def test_others_are_counted_from_where_each_state_is() -> None:
    """One where a page view without an answer was counted, and one where it was not."""
    state_set = StateSet(600.0)
    state_set.states = {ONE._replace(downloaded=AT)}
    state_set.unanswered(AT)
    assert {state.views for state in state_set.states} == {5, 6}
    assert state_set.look(Span(100.5, 101.0), Observation(views=7)).strangers == 1
    assert {(state.views, state.picture_views) for state in state_set.states} == {(7, 5)}


def test_times_without_an_end() -> None:
    assert EVER.meets(Span(-inf, -inf))
    assert not NEVER.meets(OLD)


@pytest.mark.parametrize(
    ("ttl", "status", "kind"),
    [
        (0.1, "valid", Kind.RENEW),  # of the instant at which the picture came
        (0.1, "grace", Kind.GRACE),  # decided anew
        (10.0, "valid", Kind.RENEW),
        (10.0, "grace", None),
        (0.1, "stale", None),
    ],
)
def test_a_page_that_waited_longer_than_its_picture_is_valid(
    ttl: float, status: str, kind: Kind | None
) -> None:
    state_set = StateSet(ttl)
    state_set.fetches = [Fetch(Span(100.0, 100.1), "two", 0.1)]
    state_set.states = {ONE._replace(grace_spent=True)}
    seen = state_set.view(
        Span(100.4, 100.4),
        Span(100.0, 100.5),
        Observation(picture="two", views=6, picture_views=1, status=status),
    )
    assert bool(seen.mismatches) == (kind is None)
    assert kind is None or kind in seen.kinds
