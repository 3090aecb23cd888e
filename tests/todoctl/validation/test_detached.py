"""The volume out of the app's reach, and back: what is right then, and what is not."""

from collections.abc import Callable

import pytest

from tests.todoctl.validation.pages import Told
from tests.todoctl.validation.test_judge import earlier_access, grow_picture_views, lower, other_grace
from tests.todoctl.validation.volumes import begun, failed
from todoctl.validation.model.policy import Kind


def test_its_loss_has_to_be_told_for_as_long_as_it_lasts() -> None:
    script = begun()
    script.view()
    script.detach()
    script.look()
    script.view()
    script.look(rest={"last_error": None})
    assert failed(script) == {("last-error", "last_error")}
    script = begun()
    script.view()
    script.detach()
    script.view()
    script.attach(0)
    script.look(rest={"last_error": "it was away just now"})
    script.view()
    assert not failed(script)
    script.look(rest={"last_error": "it is away still"})
    assert failed(script) == {("last-error", "last_error")}


def test_a_start_ends_it() -> None:
    script = begun()
    script.view()
    script.detach()
    script.start(emptied=True)
    script.look()
    script.view()
    script.look()
    assert not failed(script)


@pytest.mark.parametrize(
    ("picture", "change", "broken"),
    [
        (False, lower, ("counted", "site count")),
        (False, grow_picture_views, ("attach", "image count")),
        (False, earlier_access, ("last-access", "last access")),
        (True, lower, ("counted", "site count")),
        (True, grow_picture_views, ("attach", "image count")),
        (True, lambda told: setattr(told, "picture_views", 3), ("attach", "image count")),
        (True, lambda told: setattr(told, "downloaded", told.downloaded - 5), ("attach", "download time")),
    ],
)
def test_a_wrong_merge_is_convicted(
    picture: bool, change: Callable[[Told], None], broken: tuple[str, str]
) -> None:
    """A look right after it sees the same as the page view, but is no proof of the act."""
    for move in ("view", "look"):
        script = begun()
        for _ in range(3):
            script.view()
        script.detach()
        script.view()
        script.look()
        script.attach(4, picture=picture)
        if move == "view":
            script.view(change)
        else:
            script.look(change)
        claim, name = broken
        claim = "state" if move == "look" and claim == "attach" else claim
        assert (claim, name) in failed(script), move


def test_a_grace_view_that_was_spent_meanwhile_stays_spent() -> None:
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.detach()
    assert script.view() is Kind.GRACE
    script.look()
    script.attach(2)
    script.look(other_grace)
    assert ("state", "grace spent") in failed(script)


def test_a_picture_that_was_downloaded_meanwhile_stays() -> None:
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.view()
    script.detach()
    assert script.view() is Kind.RENEW
    script.look()
    script.attach(2)
    script.look()
    script.view()
    assert script.told().picture == script.fetches[-1].picture
    assert script.told().picture_views == 2
    assert not failed(script)


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("picture", [False, True])
def test_others_may_come_before_the_volume_is_back_and_after_it(
    before: int, after: int, picture: bool
) -> None:
    """Those before it see the old picture, and are none of the new one's page views."""
    script = begun()
    script.view()
    script.detach()
    script.view()
    script.look()
    for _ in range(before):
        script.stranger()
    script.attach(4, picture=picture)
    for _ in range(after):
        script.stranger()
    script.look()
    script.view()
    assert not failed(script)


def test_others_may_come_before_it_is_back_and_get_a_new_picture() -> None:
    for picture in (False, True):
        script = begun()
        script.view()
        script.wait(script.ttl)
        script.view()
        script.detach()
        script.look()
        script.stranger()
        assert len(script.fetches) == 2
        script.attach(4, picture=picture)
        script.look()
        script.view()
        assert not failed(script)
