"""Which bytes are a picture, and why not."""

import io
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from todoctl.evidence import pictures

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"
NONE = "that are no JPEG, PNG, GIF, WebP or AVIF"


def drawn(kind: str = "PNG", size: tuple[int, int] = (90, 60), colour: str = "", **options: object) -> bytes:
    made = io.BytesIO()
    image = Image.linear_gradient("L").resize(size).convert("RGB") if not colour else None
    (image or Image.new("RGB", size, colour)).save(made, kind, **options)
    return made.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes, with as many pixels as its head says."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


PHONE = drawn("MPO", save_all=True, append_images=[Image.new("RGB", (20, 20))])


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (drawn("JPEG"), "image/jpeg"),
        (drawn("PNG"), "image/png"),
        (drawn("GIF"), "image/gif"),
        (drawn("WEBP"), "image/webp"),
        (drawn("AVIF"), "image/avif"),
        (drawn("JPEG") + b"\0" * 500, "image/jpeg"),
        (drawn("JPEG") + b"MotionPhoto" + drawn("PNG"), "image/jpeg"),
        (PHONE, "image/jpeg"),
    ],
)
def test_a_picture_that_browsers_show(content: bytes, media: str) -> None:
    picture = pictures.read(content)
    assert (picture.media, picture.width, picture.height, picture.fault) == (media, 90, 60, "")
    assert pictures.media_type(content) == media
    assert not pictures.fault(content)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", f"0 bytes {NONE}"),
        (b"<svg/>", f"6 bytes {NONE}"),
        (EPS, NONE),
        (drawn("TIFF"), NONE),
        (drawn("BMP"), NONE),
        (drawn("ICO"), NONE),
        (drawn("PPM"), NONE),
        (drawn("PNG")[:-40], "bytes of a PNG that is damaged or cut off"),
        (drawn("JPEG")[:-40], "bytes of a JPEG that is damaged or cut off"),
        (huge_png(9000, 9000), "a PNG of 9000 x 9000 pixels, which is too large to decode"),
        (huge_png(12000, 12000), "a PNG of 12000 x 12000 pixels, which is too large to decode"),
        (huge_png(30000, 30000), "more pixels than can be decoded"),
        (drawn(size=(16, 16)), "an icon of 16 x 16 pixels"),
    ],
)
def test_anything_else_is_none(content: bytes, fault: str, recwarn: pytest.WarningsRecorder) -> None:
    assert pictures.fault(content).endswith(fault)
    assert not recwarn.list, "a warning would be printed on the user's terminal"


def test_no_program_sees_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / "called"
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\n: > {called}\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert shutil.which("gs") == str(ghostscript)
    assert pictures.read(EPS + b"% of this test").fault
    assert not called.exists()


@given(st.binary(max_size=300), st.sampled_from(["", *pictures.FORMATS]), st.integers(0, 300))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(noise: bytes, kind: str, at: int) -> None:
    whole = drawn(kind) if kind else b""
    pictures.fault(whole[:at] + noise + whole[at + len(noise) :])


def test_the_same_picture_encoded_anew() -> None:
    photo = drawn("JPEG", quality=90)
    commented = drawn("JPEG", quality=90, comment=b"12:00:01")
    assert pictures.same_pixels(photo, commented)
    assert pictures.read(photo).pixels == pictures.read(commented).pixels
    assert pictures.read(drawn(colour="#010000")).pixels != pictures.read(drawn(colour="#020000")).pixels
    assert pictures.same_pixels(photo, drawn("JPEG", quality=80))
    assert pictures.same_pixels(drawn("PNG"), drawn("WEBP", lossless=True))
    assert not pictures.same_pixels(photo, drawn("JPEG", size=(60, 90)))
    assert not pictures.same_pixels(drawn(colour="#303030"), drawn(colour="#333333"))
    assert not pictures.same_pixels(photo, b"no picture")


def test_which_pictures_are_alike() -> None:
    assert pictures.alike(drawn("JPEG", (400, 400)), drawn("WEBP", (250, 250)))
    assert not pictures.alike(drawn("JPEG"), drawn(colour="red"))
    assert not pictures.alike(drawn("JPEG"), b"no picture")
    assert not pictures.alike(b"", b"")


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
def test_a_picture_within_an_address(address: str, found: tuple[str, bytes] | None) -> None:
    assert pictures.from_data_url(address) == found
