"""Getting pictures: limits, errors in one line, and what `Retry-After` means."""

import asyncio
import email.utils
import hashlib
import time
from pathlib import Path

import pytest

from tests.image_service import ImageService, Mode, png
from todoapp import source as fetch
from todoapp.source import FetchError, fetch_sample, source


def get(url: str, shown: str | None = None) -> bytes:
    return asyncio.run(_get(url, shown))


async def _get(url: str, shown: str | None) -> bytes:
    return await source(url)(shown)


@pytest.mark.parametrize("mode", [Mode.OK, Mode.SAME, Mode.REDIRECT])
def test_a_picture(images: ImageService, mode: Mode) -> None:
    images.mode = mode
    content = get(images.url)
    assert hashlib.sha256(content).hexdigest() in images.pictures or content == png(0)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (Mode.ERROR_500, "answered 500 Internal Server Error"),
        (Mode.NOT_FOUND, "answered 404 Not Found"),
        (Mode.HUGE, "answered more than 10485760 bytes"),
        (Mode.ENDLESS, "answered more than 10485760 bytes"),
        (Mode.HTML, "answered 33 bytes of text/html: no whole picture"),
        (Mode.EMPTY, "answered 0 bytes of image/png: no whole picture"),
        (Mode.REDIRECT_LOOP, "Exceeded maximum allowed redirects."),
        (Mode.REFUSED, "All connection attempts failed"),
    ],
)
def test_no_picture_in_one_line(images: ImageService, mode: Mode, reason: str) -> None:
    images.mode = mode
    with pytest.raises(FetchError) as caught:
        get(images.url)
    assert str(caught.value) == reason
    assert caught.value.retry_after == 0
    assert images.fetches <= fetch.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("limit", "mode", "reason"),
    [
        ("TOTAL_SECONDS", Mode.DRIP, "no whole picture within 0.5 s"),
        ("TOTAL_SECONDS", Mode.HANG, "no whole picture within 0.5 s"),
        ("READ_SECONDS", Mode.HANG, "ReadTimeout"),
    ],
)
def test_limits_of_time(
    images: ImageService, monkeypatch: pytest.MonkeyPatch, limit: str, mode: Mode, reason: str
) -> None:
    monkeypatch.setattr(fetch, limit, 0.5)
    images.mode = mode
    with pytest.raises(FetchError) as caught:
        get(images.url)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        ("120", 120, 120),
        ("0", 0, 0),
        ("99999999999999999999", 1e8, 1e9),
        (email.utils.formatdate(time.time() + 3000, usegmt=True), 2000, 3000),
        (email.utils.formatdate(time.time() + 3000), 2000, 3000),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("-5", 0, 0),
        ("soon", 0, 0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0, 0),
        ("", 0, 0),
    ],
    ids=["seconds", "zero", "huge", "date", "date without zone", "past", "less", "word", "no date", "empty"],
)
def test_retry_after(images: ImageService, retry_after: str, least: float, most: float) -> None:
    images.mode, images.retry_after = Mode.TOO_MANY, retry_after
    with pytest.raises(FetchError, match="answered 429 Too Many Requests") as caught:
        get(images.url)
    assert least <= caught.value.retry_after <= most


def test_samples_are_never_the_same_twice_running() -> None:
    shown = None
    seen = set()
    for _ in range(60):
        sha256 = hashlib.sha256(get("sample:", shown)).hexdigest()
        assert sha256 != shown
        seen.add(sha256)
        shown = sha256
    assert len(seen) > 2


def test_samples_that_are_missing(tmp_path: Path) -> None:
    async def pick() -> bytes:
        return await fetch_sample(tmp_path, None)

    with pytest.raises(FetchError, match="install the app again"):
        asyncio.run(pick())


def test_no_proxy_leads_back_to_this_machine(images: ImageService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert get(images.url)
