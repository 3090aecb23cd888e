"""Other visitors: they explain what they have done, and nothing else."""

import msgspec
import pytest

from tests.todoctl.validation.histories import Script
from tests.todoctl.validation.test_judge import result
from todoctl.evidence.times import Span
from todoctl.validation.model.policy import Kind


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


def test_an_app_that_counts_twice_is_no_crowd_of_others() -> None:
    script = Script()
    script.start(emptied=True)
    for _ in range(12):
        script.view()
        script.step()
    found = result(script.finished())
    assert [check.seen for check in found.failures] == ["2 more with each of 10 page views in a row"]


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
    script.wait(0.1)
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
