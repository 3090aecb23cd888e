"""Which picture a page shows, and which bytes are one."""

import io

import pytest
from PIL import Image

from tests.todoctl.course.imitation import picture
from todoctl.course import pictures

PAGE = "http://localhost:8081/app/"


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<img src="/image">', ["http://localhost:8081/image"]),
        ('<img src="image?x=1"><img src="logo.svg"><img src="b.ico">', [f"{PAGE}image?x=1"]),
        ('<img srcset="a.jpg 1x, b.jpg 2x">', [f"{PAGE}a.jpg"]),
        ('<base href="/other/"><img src="a">', ["http://localhost:8081/other/a"]),
        ('<img src="https://picsum.photos/1200">', ["https://picsum.photos/1200"]),
        ('<img src="data:image/png;base64,AA==">', ["data:image/png;base64,AA=="]),
        ('<img src=""><img alt="nothing"><div id="root"></div>', []),
        ('<img src="a"><img src="a">', [f"{PAGE}a"]),
        ('<img src="http://[::1"><img src="a">', [f"{PAGE}a"]),
        ('<base href="http://[::1"><img src="a"><img src="//[">', [f"{PAGE}a"]),
    ],
)
def test_addresses(html: str, found: list[str]) -> None:
    assert [*pictures.addresses(html, PAGE)] == found


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("data:image/png;base64,AAE=", ("image/png", b"\0\1")),
        ("data:,a%20b", ("text/plain", b"a b")),
        ("data:image/png;base64,A", None),
        ("data:nothing", None),
        ("http://a/", None),
    ],
)
def test_in_an_address(address: str, found: tuple[str, bytes] | None) -> None:
    assert pictures.in_address(address) == found


def test_which_pictures_are_alike() -> None:
    def drawn(colour: str, size: int, kind: str) -> bytes:
        made = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").resize((size, size)).save(made, kind, quality=70)
        if colour:
            made = io.BytesIO()
            Image.new("RGB", (size, size), colour).save(made, kind)
        return made.getvalue()

    assert pictures.alike(drawn("", 400, "JPEG"), drawn("", 250, "WEBP"))
    assert not pictures.alike(drawn("", 400, "JPEG"), drawn("red", 400, "JPEG"))
    assert not pictures.alike(drawn("", 400, "JPEG"), b"no picture")
    assert not pictures.alike(b"", b"")


def test_what_is_a_picture() -> None:
    assert pictures.fault(picture()) == ""
    assert pictures.fault(picture(16)) == "an icon of 16 x 16 pixels"
    assert pictures.fault(picture()[:500]) == "500 bytes that are no picture"
    assert pictures.fault(b"<svg/>") == "6 bytes that are no picture"
