"""What was seen, and how long each picture lived."""

from math import inf

import msgspec

from tests.todoctl.course.made import BEGAN, Look, Seen, made, visits
from todoctl.course.sightings import lives, sightings
from todoctl.evidence.history import Answer, History, Request, Role


def answered(history: History, answer: Answer | None, error: str = "") -> History:
    """`history` with that answer to every request for a picture."""
    history.events[:] = [
        msgspec.structs.replace(event, answer=answer, error=error)
        if isinstance(event, Request) and event.role is Role.PICTURE
        else event
        for event in history.events
    ]
    return history


def test_why_there_is_no_picture() -> None:
    gone = answered(made(Seen(0, "a")), Answer(status=404, headers=[], body=""))
    assert [(seen.problem, seen.missing) for seen in sightings(gone)] == [
        ("HTTP 404 instead of the picture", True)
    ]
    silent = answered(made(Seen(0, "a")), None, "timed out")
    assert sightings(silent)[0].problem == "no answer to the picture's request (timed out)"


def test_a_picture_that_was_missing_before_has_come_since() -> None:
    history = made(*visits((0, "a"), (1, "b")))
    first = history.events[1]
    history.events[1] = msgspec.structs.replace(first, answer=Answer(status=404, headers=[], body=""))
    [life] = lives(history)
    assert (life.born.lo, life.fresh) == (BEGAN, True)


def test_the_first_picture_has_an_unknown_age_unless_its_file_tells() -> None:
    [life] = lives(made(Seen(0, "a")))
    assert life.born.lo == -inf
    assert life.twice == 0.0
    [life] = lives(made(Seen(0, "a"), Look(1, [("a", -50)]), Seen(2, "a")))
    assert round(life.born.hi - BEGAN, 1) == -49.9
