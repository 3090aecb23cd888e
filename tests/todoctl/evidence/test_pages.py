"""What a page or a JSON document tells, and what is wrong with it."""

import pytest

from tests.todoctl.validation.pages import Told, stamp
from todoctl.evidence import pages as reading
from todoctl.evidence.pages import METADATA, STATE
from todoctl.evidence.times import Span


def page(**changes: object) -> str:
    told = Told(
        status="valid",
        picture="ab" * 32,
        downloaded=1_790_000_000.5,
        expires=1_790_000_600.5,
        last_view=1_790_000_001.25,
        views=7,
        picture_views=3,
        grace_spent=False,
        error=False,
    )
    for name, value in changes.items():
        setattr(told, name, value)
    return told.page()


def test_the_documented_page_is_read_whole() -> None:
    read = reading.page(page())
    assert read.faults == []
    assert read.told == {
        "downloaded": Span(1_790_000_000.5, 1_790_000_000.501),
        "expires": Span(1_790_000_600.5, 1_790_000_600.501),
        "last_view": Span(1_790_000_001.25, 1_790_000_001.251),
        "views": 7,
        "picture_views": 3,
        "status": "valid",
    }
    assert (read.title, read.heading, read.alt) == ("The Project App", "The Project App", "Picture")
    assert read.picture == "/image?v=abababababababab"
    assert reading.page(page(last_view=None)).told["last_view"] is None


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('<dl id="metadata"', "<dl", "metadata box"),
        (">7<", ">seven<", "Site Access count"),
        (">7<", ">\u0667<", "Site Access count"),
        (stamp(1_790_000_000.5), "2026-09-21", "Image Download time"),
        (stamp(1_790_000_000.5), "2026-09-21T14:13:20.500+01", "Image Download time"),
        (f'<time datetime="{stamp(1_790_000_000.5)}">', "<b>", "Image Download time"),
        (" UTC<", " CET<", "Image Download time"),
        (">Valid<", ">Grace period<", "Status"),
        ('data-status="valid"', 'data-status="fine"', "data-status"),
        ('data-status="valid"', "", "data-status"),
    ],
)
def test_what_is_wrong_with_a_page_is_named(old: str, new: str, name: str) -> None:
    html = page()
    assert old in html
    assert name in {fault[1] for fault in reading.page(html.replace(old, new)).faults}


def test_no_page_at_all_is_read_as_well() -> None:
    read = reading.page("")
    assert (read.title, read.heading, read.picture, read.told) == ("", "", None, {})
    assert reading.page('<dl id="metadata" data-status="valid"><dt>Status</dt></dl>').labels == ["Status"]


def test_json_tells_what_it_tells() -> None:
    content = b"""{"status": "valid", "downloaded_at": 1.5, "expires_at": null, "last_access_at": 2,
        "grace_used": true, "access_count": 4, "image_access_count": 2, "ttl": 9}"""
    read = reading.document(content, STATE)
    assert (read.wrong, read.rest) == ([], {"ttl": 9})
    assert read.told["downloaded"] == Span(1.5, 1.5)
    assert read.told["expires"] is None


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"{", "no JSON: "),
        (b"[]", "no JSON object"),
        (b"{}", "no download_timestamp"),
        (b'{"download_timestamp": "now"}', "download_timestamp: 'now'"),
        (b'{"download_timestamp": NaN}', "download_timestamp: nan"),
        (b'{"download_timestamp": true}', "download_timestamp: True"),
        (b'{"grace_period_used": 0}', "grace_period_used: 0"),
        (b'{"access_count": -1}', "access_count: -1"),
        (b'{"access_count": 1.5}', "access_count: 1.5"),
    ],
)
def test_what_is_wrong_with_json_is_named(content: bytes, wrong: str) -> None:
    assert any(found.startswith(wrong) for found in reading.document(content, METADATA).wrong)


HOME = "http://localhost:8081/app/"


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<img src="/image">', ["http://localhost:8081/image"]),
        ('<img src="image?x=1"><img src="logo.svg"><img src="b.ico">', [f"{HOME}image?x=1"]),
        ('<img srcset="a.jpg 1x, b.jpg 2x">', [f"{HOME}a.jpg"]),
        ('<base href="/other/"><img src="a">', ["http://localhost:8081/other/a"]),
        ('<img src="https://picsum.photos/1200">', ["https://picsum.photos/1200"]),
        ('<img src="data:image/png;base64,AA==">', ["data:image/png;base64,AA=="]),
        ('<img src=""><img alt="nothing"><div id="root"></div>', []),
        ('<img src="a"><img src="a">', [f"{HOME}a"]),
        ('<img src="http://[::1"><img src="a">', [f"{HOME}a"]),
        ('<base href="http://[::1"><img src="a"><img src="//[">', [f"{HOME}a"]),
    ],
)
def test_which_images_a_page_names(html: str, found: list[str]) -> None:
    assert [*reading.image_addresses(html, HOME)] == found
