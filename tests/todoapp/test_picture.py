"""Pictures are told by their bytes, and only whole ones are pictures."""

import hashlib

import pytest

from tests.image_service import png
from todoapp.source import MAX_BYTES, SAMPLES, identify

JPEG = next(SAMPLES.glob("*.jpg")).read_bytes()
GIF = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\1D\0;"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"
AVIF = b"\0\0\0\x14ftypavif\0\0\0\0avif\0\0\0\x0cmdat1234"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (JPEG, "image/jpeg"),
        (JPEG + b"\0\0\r\n", "image/jpeg"),
        (JPEG + b"a film behind it" * 100, "image/jpeg"),
        (png(1) + b"more", "image/png"),
        (GIF + b"\0\0", "image/gif"),
        (WEBP + b"more", "image/webp"),
        (AVIF + b"more", "image/avif"),
        (png(1), "image/png"),
        (GIF, "image/gif"),
        (GIF.replace(b"89a", b"87a"), "image/gif"),
        (WEBP, "image/webp"),
        (AVIF, "image/avif"),
        (AVIF.replace(b"ftypavif", b"ftypavis"), "image/avif"),
    ],
    ids=[
        "jpeg",
        "padded",
        "phone",
        "png+",
        "gif+",
        "webp+",
        "avif+",
        "png",
        "gif",
        "gif 87",
        "webp",
        "avif",
        "avif sequence",
    ],
)
def test_what_browsers_show(content: bytes, content_type: str) -> None:
    picture = identify(content)
    assert picture
    assert picture.content_type == content_type
    assert picture.size == len(content)
    assert picture.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content", [JPEG, png(1), GIF, WEBP, AVIF], ids=["jpeg", "png", "gif", "webp", "avif"]
)
def test_a_picture_that_is_cut_short(content: bytes) -> None:
    for end in {1, len(content) // 4, len(content) // 2, len(content) - 5, len(content) - 1}:
        assert identify(content[:end]) is None, f"cut to {end} bytes"


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture() -> None:
    thumbnail = b"\xff\xe1\x00\x08\xff\xd8\xff\xd9\0\0"
    whole = JPEG[:2] + thumbnail + JPEG[2:]
    assert identify(whole)
    assert identify(whole[: len(whole) // 2]) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"BM" + bytes(60),
        b"%PDF-1.7",
        b"\0\0\0\x14ftypisom\0\0\0\0isom",
        b"RIFF\x1a\0\0\0WAVE" + bytes(22),
    ],
)
def test_what_is_none(content: bytes) -> None:
    assert identify(content) is None


def test_what_is_too_large() -> None:
    assert identify(png(1, size=MAX_BYTES - 100))
    assert identify(png(1, size=MAX_BYTES + 500)) is None


def test_every_sample_is_one() -> None:
    samples = [identify(path.read_bytes()) for path in SAMPLES.glob("*.jpg")]
    assert len(samples) >= 2
    assert all(picture and picture.content_type == "image/jpeg" for picture in samples)
    assert len(set(samples)) == len(samples)
