"""What a page or a JSON document tells, and what is wrong with it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.todoctl.validation.pages import Told, stamp
from todoctl.evidence import pages as reading
from todoctl.evidence.pages import METADATA, STATE
from todoctl.evidence.times import Span


def page(**changes: object) -> bytes:
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
    return told.page().encode()


def test_the_documented_page_is_read_whole() -> None:
    read = reading.page(page())
    assert read.faults == []
    assert read.observed.known() == {
        "downloaded": Span(1_790_000_000.5, 1_790_000_000.501),
        "expires": Span(1_790_000_600.5, 1_790_000_600.501),
        "last_view": Span(1_790_000_001.25, 1_790_000_001.251),
        "views": 7,
        "picture_views": 3,
        "status": "valid",
    }
    assert (read.title, read.heading, read.alt) == ("The Project App", "The Project App", "Picture")
    assert read.picture == "/image?v=abababababababab"
    assert reading.page(page(last_view=None)).observed.last_view is None


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('<dl id="metadata"', "<dl", "metadata box"),
        (">7<", ">seven<", "Site Access count"),
        (">7<", ">\u0667<", "Site Access count"),
        (stamp(1_790_000_000.5), "2026-09-21T14:13:20.500+01", "Image Download time"),
        (">7<", f">{'7' * 5000}<", "Site Access count"),
        (f'<time datetime="{stamp(1_790_000_000.5)}">', "<b>", "Image Download time"),
        (" UTC<", " CET<", "Image Download time"),
        (">Valid<", ">Grace period<", "Status"),
        ('data-status="valid"', 'data-status="fine"', "data-status"),
    ],
)
def test_what_is_wrong_with_a_page_is_named(old: str, new: str, name: str) -> None:
    html = page()
    assert old.encode() in html
    assert name in {fault[1] for fault in reading.page(html.replace(old.encode(), new.encode())).faults}


def test_no_page_at_all_is_read_as_well() -> None:
    read = reading.page(b"")
    assert (read.title, read.heading, read.picture, read.observed.known()) == ("", "", None, {})
    assert reading.page(b'<dl id="metadata" data-status="valid"><dt>Status</dt></dl>').labels == ["Status"]


def test_json_tells_what_it_tells() -> None:
    content = b"""{"status": "valid", "downloaded_at": 1.5, "expires_at": null, "last_access_at": 2,
        "grace_used": true, "access_count": 4, "image_access_count": 2, "ttl": 9}"""
    read = reading.document(content, STATE)
    assert (read.wrong, read.rest) == ([], {"ttl": 9})
    assert read.observed.downloaded == Span(1.5, 1.5)
    assert read.observed.expires is None


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
INSIDE = f"data:image/png;base64,{'A' * 3000}"


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<img src="/image">', ["src http://localhost:8081/image"]),
        ('<img src="image?x=1"><img src="logo.svg">', [f"src {HOME}image?x=1", f"src {HOME}logo.svg"]),
        ('<img srcset="a.jpg 1x, b.jpg 2x">', [f"srcset {HOME}a.jpg"]),
        (
            '<picture><source srcset="a.webp"><img src="a"></picture>',
            [f"srcset {HOME}a.webp", f"src {HOME}a"],
        ),
        ('<img src="wait.gif" data-src="a">', [f"src {HOME}wait.gif", f"data-src {HOME}a"]),
        ('<base href="/other/"><img src="a">', ["src http://localhost:8081/other/a"]),
        ('<img src="https://picsum.photos/1200">', ["src https://picsum.photos/1200"]),
        ('<img src="data:image/png;base64,AA==">', ["src data:image/png;base64,AA=="]),
        (f'<img src="{INSIDE}"><img src="data:#7">', [f"src {INSIDE}", "src data:#7"]),
        ('<p style="background: url(a)">', [f"css {HOME}a"]),
        (
            "<style>p {background: url( 'a' )} @font-face {src: url(b.woff2?x)}</style>",
            [f"css {HOME}a"],
        ),
        ('<img src=""><img alt="nothing"><div id="root"></div>', []),
        ('<img src="a"><img src="a">', [f"src {HOME}a"]),
        ('<img src="http://[::1"><img src="a">', [f"src {HOME}a"]),
        ('<base href="http://[::1"><img src="a"><img src="//[">', [f"src {HOME}a"]),
    ],
)
def test_which_images_a_page_names(html: str, found: list[str]) -> None:
    assert [f"{one.kind} {one.address}" for one in reading.page(html.encode(), HOME).images] == found


def test_what_else_a_page_names() -> None:
    html = b'<link rel="stylesheet" href="/a.css"><link rel="icon" href="b.css"><script src="c"></script>'
    read = reading.page(html, HOME)
    assert (read.stylesheets, read.scripts) == (["http://localhost:8081/a.css"], True)
    assert reading.css_images('p{background:url("x.jpg")}', "http://a/b/c.css") == ["http://a/b/x.jpg"]
    assert not reading.page(b"<p>").scripts


HOSTILE = [
    b"<![x]>",
    b"<dl id=metadata><dt>Site Access count</dt><dd>" + b"7" * 5000,
    b"<div>" * 20_000 + b"<img src=a>",
    b'<img src="http://["><base href="//[">',
    b"\0<img\0 src=a\0>" * 100,
    b"\xff\xfe<\0h\01\0>\0",
    b"<!--" * 100_000,
    b"<a " * 100_000,
    b"<![CDATA[" * 50_000,
    b"</" * 100_000,
    b"<img src='" + b"x" * 500_000,
    b"&#" * 100_000 + b"&#99999999999999999999;",
    b"<style>" + b"url(" * 100_000,
    b"<style>" + b"/*" * 100_000,
    b"data:image/png;base64," * 50_000,
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_page_is_read_in_time(content: bytes) -> None:
    began = time.process_time()
    reading.page(content, HOME)
    assert time.process_time() - began < 5


FRAGMENTS = b"""< > <! [ -- <dl id=metadata> <dt> <dd> Status Image Site Access count 999999999999999999999999
<time datetime= <img src= http://[
data:image/a, <base href= <link rel= " &# \0 <style> url( // <![CDATA[""".split()


@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=5), max_size=40).map(b" ".join))
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise(content: bytes) -> None:
    reading.page(content, HOME)
    reading.document(content, STATE)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"access_count": ' + b"9" * 5000 + b"}", b"\xff", b'{"a": "\\ud800"}', b"\0"],
)
def test_no_json_raises(content: bytes) -> None:
    assert reading.document(content, STATE).wrong
