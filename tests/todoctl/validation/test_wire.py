"""What is right of a single answer."""

import pytest

from tests.todoctl.validation.pages import SECURITY, png
from todoctl.validation.contract import PROBES
from todoctl.validation.history import Answer, Request, Role
from todoctl.validation.judge import wire
from todoctl.validation.reading import page


def answer(status: int = 200, *fields: tuple[str, str]) -> Answer:
    return Answer(status=status, headers=[*SECURITY, *fields], body="")


def wrong(found: list[wire.Finding]) -> set[str]:
    return {one.name for one in found if one.expected != one.seen}


@pytest.mark.parametrize(
    ("image", "missing"),
    [
        ('<img id="picture" src="/image?v=1" alt="A picture">', set()),
        ("", {"picture"}),
        ('<img id="picture" src="/image" alt="A picture">', {"address"}),
        ('<img id="picture" src="https://example.org/image?v=1" alt=" ">', {"address", "alt text"}),
    ],
)
def test_the_page_shows_its_picture(image: str, missing: set[str]) -> None:
    found = wire.page(answer(), page(f"<h1>The Project App</h1>{image}"))
    assert wrong(found) & {"picture", "address", "alt text"} == missing


def test_what_was_not_asked_for_is_not_judged() -> None:
    asked = Request(
        begin=0, end=1, scenario="", role=Role.PROBE, method="GET", url="/", probe="of a later one"
    )
    assert wire.probe(asked, answer()) == []
    assert "of a later one" not in PROBES


@pytest.mark.parametrize("error", [None, "the image service: answered 500", "zwölf µs"])
def test_what_is_wrong_is_one_line_or_nothing(error: str | None) -> None:
    assert not wrong(wire.last_error(error))


@pytest.mark.parametrize("error", ["", "  ", "two\nlines", "a\ttab", "\x1b[31mred", 0, False, {"why": "it"}])
def test_anything_else_is_not(error: object) -> None:
    assert wrong(wire.last_error(error)) == {"last_error"}


def test_a_picture_decodes_as_a_whole() -> None:
    assert wire.media_type(png(1)) == "image/png"
    assert wire.media_type(png(1)[: len(png(1)) // 2]) is None
    assert wire.media_type(b"") is None
