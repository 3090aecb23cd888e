"""Whether the picture is on the volume."""

import io

from PIL import Image

from tests.todoctl.course.made import Look, Restart, Seen, digest, made, picture
from tests.todoctl.course.test_lifetimes import FAILED, OPEN, claim
from todoctl.evidence.history import History


def kept(history: History, *names: str) -> History:
    """`history` with the bytes of these pictures, as a look at a directory leaves them."""
    for name in names:
        history.keep(picture(name))
    return history


def test_files() -> None:
    kept = made(Seen(0, "a"), Look(1, [("x", 0), ("a", -3)]), Seen(2, "a"), Restart(1000), Seen(1030, "a"),
                Look(1031, [("a", -3)]), Seen(1032, "a"))  # fmt: skip
    assert claim(kept, "files").reason == "the picture is a"
    lost = made(Seen(0, "a"), Look(1, []), Seen(2, "a"))
    assert claim(lost, "files").reason.endswith("saw no files at all")
    assert claim(made(Seen(0, "a"), Look(1, []), Seen(2, "b")), "files").outcome is OPEN
    assert claim(made(Seen(0, "a"), Look(1, [("a", 0)], listed=True), Seen(2, "a")), "files").passed
    assert "--volume" in claim(made(Seen(0, "a")), "files").reason


def test_a_picture_that_the_page_shows_in_another_form() -> None:
    # The pictures `a` and `aa` are black both, and differ in size.
    history = kept(made(Seen(0, "a"), Look(1, [("aa", 0)]), Seen(2, "a")), "aa")
    assert claim(history, "files").reason == "the picture is aa, which the page shows in another form"


def test_a_picture_that_may_be_the_one_is_no_alarm() -> None:
    history = made(Seen(0, "a"), Look(1, [("other.jpg", 0)], listed=True), Seen(2, "a"))
    assert claim(history, "files").outcome is OPEN
    history = made(Seen(0, "a"), Look(1, [("bbbbbbbbbbb", 0)], listed=True), Seen(2, "a"))
    assert claim(history, "files").outcome is FAILED
    assert claim(history, "files").reason.endswith("saw 1 file, none of them a picture")
    only = kept(made(Seen(0, "a"), Look(1, [("white", 0)]), Seen(2, "a")), "white")
    only.bodies[digest("white")] = drawn("white")
    assert claim(only, "files").outcome is OPEN


def test_an_old_picture_is_not_the_new_one() -> None:
    history = made(Seen(0, "a"), Seen(1, "bb"), Look(2, [("a", 0)]), Seen(3, "bb"))
    history.bodies[digest("bb")] = drawn("white")
    assert claim(history, "files").outcome is FAILED


def drawn(colour: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (99, 99), colour).save(made, "PNG")
    return made.getvalue()
