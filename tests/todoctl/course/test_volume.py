"""The files of a volume: read here, or listed by a command."""

import hashlib
import sys
from pathlib import Path

import pytest

from todoctl.course import volume
from todoctl.errors import UnavailableError
from todoctl.evidence.history import Facts, History

FACTS = Facts(target="url", url="", ttl=1, source="", directory="", rolling=False, full=True, began_at=0)

FULL = """total 28
-rw-r--r-- 1 root root   140 2025-11-24 05:35:32.250000000 +0200 cache_metadata.json
-rw-r--r--. 1 root root 21276 2025-11-24 05:35:33.851000000 +0000 cached_image.jpg
drwxr-xr-x 2 root root  4096 2025-11-24 05:35:33.851000000 +0000 more
"""


def lists(text: str) -> list[str]:
    return [sys.executable, "-c", f"print({text!r}, end='')"]


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "picture").write_bytes(b"bytes")
    [file] = volume.read(tmp_path, History(facts=FACTS))
    assert (file.name, file.size, file.body) == ("cache/picture", 5, hashlib.sha256(b"bytes").hexdigest())
    with pytest.raises(UnavailableError, match="is no directory"):
        volume.read(tmp_path / "gone", History(facts=FACTS))


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picture").touch()

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnavailableError, match="cannot be read: Permission denied"):
        volume.read(tmp_path, History(facts=FACTS))

    def go(_: Path) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_bytes", go)
    assert volume.read(tmp_path, History(facts=FACTS)) == []


def test_a_listing() -> None:
    first, second = volume.listed(lists(FULL))
    assert (first.name, first.size, first.modified) == ("cache_metadata.json", 140, 1763955332.25)
    assert (second.name, second.size, second.body) == ("cached_image.jpg", 21276, "")
    assert second.modified == 1763962533.851


def test_a_listing_without_a_zone_has_no_times() -> None:
    [file] = volume.listed(lists("-rw-r--r-- 1 root root 21276 Nov 24 05:35 cached_image.jpg\n"))
    assert (file.name, file.modified) == ("cached_image.jpg", volume.UNKNOWN)
    assert volume.listed(lists("total 0\n")) == []


def test_what_is_no_listing() -> None:
    with pytest.raises(UnavailableError, match="--volume-exec lists no files"):
        volume.listed(lists("cached_image.jpg\n"))
