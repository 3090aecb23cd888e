"""Looks at the volume and at the log, and the form of what is told: what is right there, and what is not."""

import msgspec
import pytest

from tests.todoctl.validation.histories import Script, begun, failed, spent
from tests.todoctl.validation.test_judge import result
from todoctl.evidence.history import Log, Volume
from todoctl.evidence.pages import PICTURE_FILE, STATE_FILE
from todoctl.validation.claims import LOG_LINES


def test_a_new_picture_may_be_shown_before_it_is_saved() -> None:
    script = spent()
    old = script.told().picture
    script.look()
    script.stranger()
    script.picture(script.told().picture or "", visit=99)
    script.volume(lambda told: setattr(told, "picture", old))
    script.look()
    assert not failed(script)


def test_it_may_be_shown_before_anything_of_it_is_saved() -> None:
    script = spent()
    before = script.state
    script.stranger()
    after, script.state = script.state, before
    script.picture(after.picture or "", visit=99)
    script.volume()
    script.state = after
    script.look()
    script.view()
    script.volume()
    assert not failed(script)


def test_both_sides_may_see_it_being_saved() -> None:
    """One before its JSON has come, and one before its file has."""
    script = spent()
    before = script.state
    script.stranger()
    after = script.state
    script.volume(lambda told: setattr(told, "picture", before.picture))
    new = script.history.events.pop()
    script.history.events.pop()
    script.state = before
    script.volume()
    script.history.events[-1] = msgspec.structs.replace(
        new, begin=script.history.events[-1].begin, end=script.history.events[-1].end, look=_look(script)
    )
    script.state = after
    script.look()
    assert not failed(script)


def _look(script: Script) -> int:
    """The number of the last look at the volume."""
    return next(event.look for event in reversed(script.history.events) if isinstance(event, Volume))


@pytest.mark.parametrize("first", [True, False])
def test_the_file_of_a_new_picture_comes_just_after_the_json(first: bool) -> None:
    """It is the old one for a moment, where the view that has got the new one is not answered yet."""
    script = spent()
    old = script.told().picture
    if first:
        script.stranger()
    else:
        script.view()
    script.volume(lambda told: setattr(told, "picture", old))
    script.look()
    broken = {("volume-picture", "picture"), ("volume-same", "cached_image.jpg on both sides")}
    assert failed(script) == set() if first else failed(script) >= broken


@pytest.mark.parametrize("before", ["", "2026-01-01 12:00:00,000 ERROR "])
def test_a_traceback_is_convicted(before: str) -> None:
    script = begun()
    script.view()
    script.log("a warning")
    assert not failed(script)
    script.log(f"{before}Traceback (most recent call last):")
    assert failed(script) == {("traceback", "traceback in the log")}


def test_a_picture_is_named_soon_after_it_is_shown() -> None:
    script = begun()
    script.view()
    script.log(named=False)
    assert failed(script) == {("log", "picture in the log")}
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.stranger()
    script.stranger()
    script.look()
    script.log(named=False)
    assert not failed(script), "it was shown just before"
    script.look()
    script.log(named=False)
    assert failed(script) == {("log", "picture in the log")}


def test_a_start_that_is_further_back_than_is_read_is_not_judged() -> None:
    script = begun()
    script.view()
    script.log()
    log = script.history.events[-1]
    assert isinstance(log, Log)
    log.lines[:] = ["GET /healthz"] * LOG_LINES
    assert not failed(script)
    del log.lines[-1]
    assert ("log", "TTL in the log") in failed(script)


@pytest.mark.parametrize("error", ["", " ", "one\ntwo", "a\x1b[31mred", 7, ["a list"]])
def test_what_is_wrong_is_told_in_one_line(error: object) -> None:
    script = begun()
    script.detach()
    script.look(rest={"last_error": error})
    assert failed(script) == {("last-error", "last_error")}
    assert {check.seen for check in result(script.finished()).failures} == {repr(error)}


def test_the_files_have_to_be_there() -> None:
    for lost in (STATE_FILE, PICTURE_FILE):
        script = begun()
        script.view()
        script.volume()
        app = script.history.events[-1]
        assert isinstance(app, Volume)
        left = [file for file in app.files if file.name != lost]
        script.history.events[-1] = msgspec.structs.replace(app, files=left)
        claim = "volume-state" if lost == STATE_FILE else "volume-picture"
        assert claim in {broken for broken, _ in failed(script)}
    found = result(script.finished()).failures
    assert ("cached_image.jpg on both sides", "none") in {(check.name, check.seen) for check in found}


def test_before_there_is_anything_no_file_has_to_be_there() -> None:
    script = Script()
    act = script.act("start", emptied=True)
    script.history.events.append(
        Volume(begin=act.end, end=act.end + 0.1, scenario="made", seen_from="", look=1, files=[])
    )
    script.state = script.state._replace(starting=True)
    script.wait(0.5)
    script.begin()
    script.look()
    script.view()
    assert not failed(script)
