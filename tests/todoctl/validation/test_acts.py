"""What is done to the volume, or to the number of processes on it: what is right after that, and what not."""

import pytest

from tests.todoctl.validation.histories import begun, failed
from tests.todoctl.validation.test_judge import grow_picture_views, lower, play, result
from todoctl.errors import BadUsageError
from todoctl.evidence.history import Act
from todoctl.evidence.pages import PICTURE_FILE
from todoctl.evidence.verdict import Outcome
from todoctl.validation import contents
from todoctl.validation.claims import CLAIMS
from todoctl.validation.model import Kind

PROVED = ("damage", "detach", "attach", "scale", "lose-valid", "spoil-valid")

bad_values = contents.bad_values(contents.OUT_OF_RANGE)


def test_each_act_is_proved_by_the_page_view_after_it() -> None:
    script = begun()
    script.view()
    for move in ("lose", "spoil", "scale", "detach", "attach", "bad values"):
        play(script, move)
        script.look()
        script.view()
        if not script.detached:
            script.volume()
    found = result(script.finished(*PROVED))
    assert (found.outcome, found.missing) == (Outcome.PASSED, {}), found.failures
    assert set(PROVED) <= CLAIMS.keys()


# A start on damaged files


def test_damaged_files_are_as_if_they_were_missing() -> None:
    script = begun()
    script.view()
    script.damage(bad_values(script.files()))
    assert (script.told().views, script.told().picture_views, script.told().last_view) == (0, 0, None)
    assert script.told().picture == script.fetches[0].picture, "the picture itself was whole"
    script.look()
    assert script.view() is Kind.VALID
    script.damage(contents.cut_short(script.files()))
    assert len(script.fetches) == 2, "a picture that is not whole is none"
    script.look()
    script.view()
    assert not failed(script)


def test_damage_has_to_be_told_until_the_next_page_view() -> None:
    script = begun()
    script.view()
    script.damage(bad_values(script.files()))
    script.look(rest={"last_error": None})
    assert failed(script) == {("last-error", "last_error")}
    script = begun()
    script.damage(bad_values(script.files()))
    script.look()
    script.view()
    script.look(rest={"last_error": "bad values"})
    assert failed(script) == {("last-error", "last_error")}


@pytest.mark.parametrize("first", ["look", "volume"])
def test_others_mend_it_as_well(first: str) -> None:
    script = begun()
    script.damage(bad_values(script.files()))
    script.stranger()
    play(script, first)
    script.look()
    assert not failed(script)


def test_a_picture_that_is_cut_short_may_not_be_shown() -> None:
    script = begun()
    script.view()
    script.damage(contents.cut_short(script.files()))
    half = next(
        act.files[PICTURE_FILE] for act in script.history.events if isinstance(act, Act) and act.files
    )
    script.look(lambda told: setattr(told, "picture", half))
    script.view()
    script.picture(half)
    assert {"state", "whole"} <= {claim for claim, _ in failed(script)}


# Files that are damaged while the app runs


def test_a_running_app_may_tell_of_damage_and_loses_nothing() -> None:
    for told in (None, "the picture is cut short"):
        script = begun()
        script.view()
        script.spoil()
        script.look(rest={"last_error": told})
        script.view()
        script.volume()
        assert not failed(script)
    script = begun()
    script.view()
    script.spoil()
    script.view(lower)
    assert ("counted", "site count") in failed(script)


def test_a_saved_history_may_lack_what_an_act_has_put_there() -> None:
    script = begun()
    script.act("damage", emptied=True)
    with pytest.raises(BadUsageError, match="is missing in an act 'damage'"):
        result(script.finished())


# The volume out of the app's reach


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
    script.attach()
    script.look(rest={"last_error": "it was away just now"})
    script.view()
    script.look(rest={"last_error": "it is away still"})
    assert failed(script) == {("last-error", "last_error")}


@pytest.mark.parametrize("lost", [0, 2])
def test_what_is_counted_meanwhile_may_be_lost_and_nothing_after_it(lost: int) -> None:
    script = begun()
    for _ in range(3):
        script.view()
    script.detach()
    script.view()
    script.view()
    script.attach()
    views, shown = script.state.views or 0, script.state.picture_views or 0
    script.state = script.state._replace(views=views - lost, picture_views=shown - lost)
    script.look()
    script.view()
    assert not failed(script)
    script.look(grow_picture_views)
    assert ("state", "image count") in failed(script)
