"""Whatever the disk does, the app starts, serves, says what is wrong, and heals when it can."""

import errno
import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app_server import AppServer, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode, png
from tests.todoapp.volumes import as_ordinary_user, read_only
from todoapp.policy import State
from todoapp.source import identify
from todoapp.store import METADATA, PICTURE, Found, Store

TTL = "0.3"


def saved(app: AppServer) -> dict[str, object]:
    """What the metadata on the volume say."""
    entries: dict[str, object] = json.loads((app.cache_dir / METADATA).read_text())
    return entries


def test_a_read_only_volume(start_app: StartApp, images: ImageService) -> None:
    """The same; of two processes, the one that saves first when it can goes on with its count."""
    apps = [
        start_app(IMAGE_URL=images.url, prefix=as_ordinary_user()),
        start_app(IMAGE_URL=images.url, prefix=as_ordinary_user()),
    ]
    apps[0].view()
    with read_only(apps[0].cache_dir):
        for app, count in ((apps[0], 2), (apps[0], 3), (apps[1], 2)):
            page = app.view()
            assert (page.status, page.access_count) == ("valid", count)
            assert "memory" in app.cache()["last_error"]
        assert saved(apps[0])["access_count"] == 1
    apps[0].view()
    apps[1].view()
    states = [app.cache() for app in apps]
    assert states[0] == states[1]
    assert states[0]["access_count"] == saved(apps[0])["access_count"] == 5
    assert states[0]["image_access_count"] == 5
    assert states[0]["last_error"] is None
    assert "going on in memory" in apps[0].log
    assert "well again" in apps[0].log


@pytest.mark.parametrize("name", ["file/cache", "\x7f" * 300])
def test_a_cache_dir_that_cannot_be(start_app: StartApp, tmp_path: Path, name: str) -> None:
    """It lies in a file, or its name is too long: pages are served all the same."""
    (tmp_path / "file").write_text("not a directory")
    app = start_app(tmp_path / name, IMAGE_URL="sample:")
    assert [app.view().access_count for _ in range(2)] == [1, 2]
    state = app.cache()
    assert state["status"] == "valid"
    assert state["last_error"].startswith("volume ")
    assert len(app.image()) == state["image"]["size"]


def lose_directory(directory: Path) -> None:
    shutil.rmtree(directory)


def lose_picture(directory: Path) -> None:
    (directory / PICTURE).unlink()


def lose_metadata(directory: Path) -> None:
    (directory / METADATA).unlink()


def empty_both(directory: Path) -> None:
    (directory / PICTURE).write_bytes(b"")
    (directory / METADATA).write_bytes(b"")


def cut_short(directory: Path) -> None:
    for name in (PICTURE, METADATA):
        os.truncate(directory / name, (directory / name).stat().st_size // 2)


@pytest.mark.parametrize("lose", [lose_directory, lose_picture, lose_metadata, empty_both, cut_short])
def test_files_lost_while_running_come_back(
    start_app: StartApp, images: ImageService, lose: Callable[[Path], None]
) -> None:
    app = start_app(IMAGE_URL=images.url)
    app.view_valid()
    picture, before = app.image(), app.cache()
    count, of_picture = before["access_count"] + 1, before["image_access_count"] + 1
    lose(app.cache_dir)
    assert app.image() == picture
    page = app.view()
    assert (page.status, page.access_count, page.image_access_count) == ("valid", count, of_picture)
    assert (app.cache_dir / PICTURE).read_bytes() == picture
    assert saved(app)["access_count"] == count
    app.restart()
    after = app.cache()
    changing = {"access_count": count, "image_access_count": of_picture, "last_access_at": 0}
    assert after | changing == before | changing
    assert images.fetches == 1


THEN = 1_763_962_533.8509443
WHOLE = png(1)
STATE = {
    "download_timestamp": THEN,
    "last_access_time": THEN + 8,
    "access_count": 41,
    "image_access_count": 7,
    "grace_period_used": False,
}

STARTS: dict[str, tuple[str | None, bytes | None, int]] = {
    "the original's volume": (json.dumps(STATE), WHOLE, 42),
    "from the future": (json.dumps(STATE | {"download_timestamp": THEN * 3}), WHOLE, 42),
    "wrong types": (json.dumps(STATE | {"last_access_time": "never", "x": []}), WHOLE, 42),
    "count is text": (json.dumps(STATE | {"access_count": "41"}), WHOLE, 1),
    "no download time": (json.dumps(STATE | {"download_timestamp": None}), WHOLE, 42),
    "metadata cut short": (json.dumps(STATE)[:50], WHOLE, 1),
    "metadata empty": ("", WHOLE, 1),
    "metadata a list": ("[1, 2]", WHOLE, 1),
    "metadata deep": ("[" * 50_000, WHOLE, 1),
    "metadata not text": ("\xff\xfe", WHOLE, 1),
    "metadata missing": (None, WHOLE, 1),
    "picture empty": (json.dumps(STATE), b"", 42),
    "picture cut short": (json.dumps(STATE), WHOLE[:-20], 42),
    "picture missing": (json.dumps(STATE), None, 42),
    "another picture": (json.dumps(STATE | {"sha256": "0" * 64}), WHOLE, 42),
}
"""What lies there (None: nothing), and the access count after the first page view."""


@pytest.mark.parametrize("case", STARTS)
def test_a_start_on_damaged_files(
    start_app: StartApp, images: ImageService, tmp_path: Path, case: str
) -> None:
    """All that can be kept is kept; what cannot is told, and put aside if there is anything."""
    metadata, picture, count = STARTS[case]
    volume = tmp_path / "cache"
    volume.mkdir()
    if metadata is not None:
        (volume / METADATA).write_text(metadata, encoding="latin-1")
    if picture is not None:
        (volume / PICTURE).write_bytes(picture)
    images.mode = Mode.HANG
    app = start_app(IMAGE_URL=images.url, CACHE_TTL="1e9")
    told = app.cache()["last_error"]
    images.mode = Mode.OK
    page = app.view()
    assert (page.status, page.access_count) == ("valid", count)
    kept = picture == WHOLE and "sha256" not in (metadata or "")
    assert images.fetches == (0 if kept else 1)
    assert (app.image() == WHOLE) is kept
    assert app.cache()["last_error"] is None
    damaged = [path for path in volume.iterdir() if path.name.endswith(".damaged")]
    if told is None:
        assert not damaged
        assert kept or picture is None
    else:
        assert told in app.log
        before = {metadata, picture.decode("latin-1") if picture else None}
        assert {path.read_bytes().decode("latin-1") for path in damaged} <= before


def test_a_clock_that_jumps(start_app: StartApp, images: ImageService, tmp_path: Path) -> None:
    """Saved by a process whose clock was an hour ahead, then by one an hour behind."""
    volume = tmp_path / "cache"
    volume.mkdir()
    times = ("download_timestamp", "last_access_time", "failed_at")
    ahead = dict.fromkeys(times, time.time() + 3600)
    more = {"retry_after": 60, "failures": 3, "fetch_error": "it broke"}
    (volume / METADATA).write_text(json.dumps(STATE | ahead | more))
    (volume / PICTURE).write_bytes(WHOLE)
    app = start_app(IMAGE_URL=images.url, CACHE_TTL="2")
    state = app.cache()
    assert state["downloaded_at"] <= time.time()
    assert app.view().status == "valid"
    wait_for(lambda: app.cache()["status"] == "expired", what="expiry within the TTL")
    assert app.view().status == "stale"  # the grace view, of a service that is known to fail
    app.stop()
    behind = json.loads((volume / METADATA).read_text())
    for key in ahead:
        behind[key] = THEN
    (volume / METADATA).write_text(json.dumps(behind))
    app = start_app(IMAGE_URL=images.url, CACHE_TTL="2")
    assert app.view().status == "valid"
    assert images.fetches == 1


def held(path: Path) -> int:
    """Another process's lock on the directory or file; it is let go of when that is closed."""
    file = os.open(path, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def test_a_volume_that_another_process_holds(
    start_app: StartApp, images: ImageService, tmp_path: Path
) -> None:
    """Visitors are answered from memory after a while; counting goes on from what the volume holds then."""
    app = start_app(IMAGE_URL=images.url)
    app.view()
    other = held(tmp_path / "cache")
    try:
        assert [app.view().access_count for _ in range(2)] == [2, 3]
        assert "another process" in app.cache()["last_error"]
    finally:
        os.close(other)
    assert app.view().access_count == 2
    assert app.cache()["last_error"] is None
    assert saved(app)["access_count"] == 2


def test_processes_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoapp.store.LOCK_SECONDS", 0.05)
    with Store(tmp_path).locked(), pytest.raises(TimeoutError), Store(tmp_path).locked():
        pass
    with Store(tmp_path).locked():
        pass


def test_a_file_system_that_cannot_sync_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says EINVAL, as some network file systems do; that is no damage."""
    fsync = os.fsync

    def refuse_directories(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(file)

    monkeypatch.setattr(os, "fsync", refuse_directories)
    store, picture = Store(tmp_path), identify(WHOLE)
    with store.locked():
        store.save(Found(state=State(picture=picture, downloaded_at=1.0), content=WHOLE))
        assert store.load().state.picture == picture
    fresh = Store(tmp_path)
    with fresh.locked():
        assert fresh.load().damage is None


@pytest.mark.parametrize("wrong", [errno.ENOLCK, errno.EIO])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: int) -> None:
    """Whoever asks has it to himself there, as on NFS without its lock manager; what else fails is told."""

    def refuse(*_: object) -> None:
        raise OSError(wrong, os.strerror(wrong))

    monkeypatch.setattr(fcntl, "flock", refuse)
    store = Store(tmp_path)
    if wrong == errno.ENOLCK:
        with store.locked():
            right = store.refresh_lock()
            assert right is not None
            right.close()
    else:
        with pytest.raises(OSError, match=os.strerror(wrong)), store.locked():
            pass
