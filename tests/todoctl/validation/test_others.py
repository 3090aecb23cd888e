"""Other visitors: they explain what they have done, and nothing else."""

import time

import msgspec
import pytest

from tests.todoctl.validation.histories import Script
from tests.todoctl.validation.test_judge import result
from todoctl.evidence.times import Span
from todoctl.validation.model import Kind


def test_other_visitors_are_told_and_explain_what_they_did() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    script.stranger()  # takes the grace view
    assert script.view() is Kind.RENEW
    found = result(script.finished())
    assert not found.failures
    assert found.notes == ["1 page view of others came in between"]


@pytest.mark.parametrize("regular", [True, False])
def test_an_app_that_counts_twice_is_no_crowd_of_others(*, regular: bool) -> None:
    """Others may come in lockstep; but not once with each view, whatever the time between two of ours."""
    script = Script()
    script.start(emptied=True)
    for number in range(12):
        script.view()
        script.step()
        script.wait(0.02 if regular else 0.01 * number**2)
    found = result(script.finished())
    assert [check.seen for check in found.failures] == (
        [] if regular else ["2 more with each of 10 page views in a row"]
    )


def test_a_visitor_who_comes_again_and_again_is_no_fault() -> None:
    """As `while true; do curl …`: more often in a longer time."""
    script = Script(ttl=600.0)
    script.start(emptied=True)
    for number in range(30):
        script.view()
        for _ in range(1 + number % 3):
            script.stranger()
        script.look()
    assert not result(script.finished()).failures


def test_what_is_no_page_view_and_is_counted_now_and_then_is_convicted() -> None:
    """A picture's request that counts where the picture is too old, say: others would come at other times."""
    script = Script()
    script.start(emptied=True)
    for _ in range(5):
        script.view()
        script.look()
        script.wait(11)
        script.look()
        script.picture(script.state.picture or "")
        script.now -= 0.005
        script.step()
        script.now += 0.005
        script.look()
    assert ("picture", "site count") in {(one.claim, one.name) for one in result(script.finished()).failures}


@pytest.mark.parametrize("others", [40, 160, 600])
def test_many_others_cost_no_time(others: int) -> None:
    script = Script(ttl=0.3)
    script.start(emptied=True)
    script.view()
    for _ in range(others):
        script.stranger()
    script.look()
    script.view()
    began = time.process_time()
    found = result(script.finished())
    assert time.process_time() - began < 3.0
    assert not found.failures


def test_what_others_made_the_app_fetch_before_it_stopped_is_no_fetch_of_its_start() -> None:
    script = Script()
    script.start(emptied=True)
    script.look()
    script.view()
    script.start(emptied=True, last=True)
    script.state = script.state._replace(picture=script.fetches[-1].picture)
    script.look()
    script.view()
    found = result(script.finished("start"))
    assert not found.failures, found.failures


def test_others_may_come_between_a_page_and_its_picture() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    told = script.told()
    script.stranger()  # gets the new picture
    script.picture(script.state.picture or "", visit=99)
    script.look()
    found = result(script.finished())
    assert told.picture != script.state.picture
    assert not found.failures, found.failures


def test_others_may_be_counted_with_our_view_and_betrayed_only_later() -> None:
    """By a look at the counts; what tells no counts in between says nothing of when they came."""
    script = Script()
    script.start(emptied=True)
    for _ in range(3):
        script.view()
    script.now -= 0.02
    script.step()
    script.now += 0.5
    script.picture(script.state.picture or "", visit=99)
    script.look()
    found = result(script.finished())
    assert not found.failures, found.failures


@pytest.mark.parametrize("waits", [True, False])
def test_who_comes_while_others_wait_for_the_next_try_gets_the_old_picture(waits: bool) -> None:
    """Where nobody waits, which would show in the counts, our own view would have had to."""
    script = Script()
    script.start(emptied=True)
    for _ in range(3):
        script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    script.wait(0.01)
    assert script.view(well=False) is Kind.KEPT
    script.wait(0.3)
    fetch = script.fetch()
    download = script.history.events[-1]
    script.history.events[-1] = msgspec.structs.replace(download, end=download.end + 0.05)
    script.state = script.state._replace(failed=Span(script.now, script.now))  # as long as it is under way
    assert script.view() is Kind.KEPT
    script.wait(0.05)
    at = Span(script.now, script.now)
    script.state = script.state._replace(
        picture=fetch.picture,
        downloaded=at,
        grace_spent=False,
        views=(script.state.views or 0) + waits,
        picture_views=int(waits),
        last_view=at if waits else script.state.last_view,
        error=False,
        failed=None,
        failures=0,
        explained=len(script.fetches),
    )
    script.wait(1.0)
    script.look()
    script.view()
    found = result(script.finished())
    assert bool(found.failures) != waits, found.failures


@pytest.mark.parametrize("what", ["kill", "restart"])
def test_a_page_view_of_others_and_its_fetch_may_end_with_the_app(what: str) -> None:
    """If that got no notice, and a page view could have called for the fetch."""
    for wait in (0.0, 11.0):
        script = Script()
        script.start(emptied=True)
        script.view()
        script.wait(wait)
        script.view()
        script.look()
        script.start(emptied=False, what=what, last=True)
        script.state = script.state._replace(explained=len(script.fetches))
        script.view()
        found = result(script.finished())
        assert bool(found.failures) != (wait > 0 and what == "kill")


@pytest.mark.parametrize("counted", [True, False])
def test_who_has_waited_for_a_picture_is_counted_just_after_it_came(counted: bool) -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    script.look()
    before = script.state
    script.stranger()
    after = script.state
    script.state = after._replace(views=before.views, picture_views=0, last_view=before.last_view)
    script.look()
    script.wait(1.0)
    script.state = after if counted else script.state
    script.look()
    claims = {check.claim for check in result(script.finished()).failures}
    assert claims == (set() if counted else {"fetches"})
