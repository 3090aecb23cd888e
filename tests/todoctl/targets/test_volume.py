"""The volume: set aside and put back, out of the app's reach and back within it; and the marker of it all."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests import visitor
from tests.app_server import free_port, wait_for
from todoctl.client import CacheState, Client
from todoctl.errors import CommandFailedError, UnavailableError
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.base import Marker, View, Volume
from todoctl.targets.local import process
from todoctl.targets.local.target import LocalTarget, ThisMachine
from todoctl.terminal import Terminal

STATE, PICTURE = "cache_metadata.json", "cached_image.jpg"
WHOLE = ["cache", "cache/mine"]


def test_a_marker_lasts_from_begin_to_end(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "local")
    assert not marker.exists()
    marker.begin()
    assert Marker(tmp_path / "local").exists(), "also for who comes after a kill"
    for _ in range(2):
        marker.end()
    assert not marker.exists()


class Away(ThisMachine):
    """A store in which nothing can be looked for."""

    def run(self, *command: str) -> str:
        raise CommandFailedError("test failed", why="OCI runtime exec failed", exit_code=137)


def made(path: Path, *, is_root: bool = False) -> Volume:
    return Volume(ThisMachine(), str(path), "/cache", lambda: View("", list), is_root=is_root)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """A cache that is the user's."""
    path = tmp_path / "volume" / "cache"
    path.mkdir(parents=True)
    (path / "mine").write_bytes(b"mine")
    return path


@pytest.fixture(name="volume", params=[False, True], ids=["by a file", "by its mode"])
def _volume(request: pytest.FixtureRequest, path: Path) -> Volume:
    """One that nothing runs on, out of reach in either way."""
    return made(path, is_root=request.param)


def names(path: Path) -> list[str]:
    """What lies beside the cache and in it."""
    return sorted(str(found.relative_to(path.parent)) for found in path.parent.rglob("*"))


def test_where_nothing_is_set_aside_nothing_is_touched(volume: Volume, path: Path) -> None:
    for touch in (volume.detach, volume.attach, lambda: volume.put("x", b"")):
        with pytest.raises(UnavailableError, match="not set aside, so it is not touched"):
            touch()
    volume.put_back()
    assert names(path) == WHOLE


def test_what_is_set_aside_comes_back_whatever_stood_in_for_it(volume: Volume, path: Path) -> None:
    def detached() -> None:
        volume.put("theirs", b"x")
        volume.detach()

    ways: list[Callable[[], None]] = [lambda: volume.put("theirs", b"x"), volume.clear, detached]
    for make in ways:
        assert not volume.is_set_aside()
        volume.clear()
        assert volume.is_set_aside()
        assert names(path) == ["cache.set-aside", "cache.set-aside/mine"]
        make()
        made(path).put_back()  # as the next command does
        assert names(path) == WHOLE
        volume.put_back()


def test_a_cache_that_is_not_there_yet_is_set_aside_too(volume: Volume, path: Path) -> None:
    (path / "mine").unlink()
    path.rmdir()
    volume.clear()
    volume.put("theirs", b"x")
    volume.put_back()
    assert names(path) == []


def test_a_file_is_put_and_removed_where_the_files_are(volume: Volume, path: Path) -> None:
    volume.clear()
    volume.put("a", b"picture")
    assert (path / "a").read_bytes() == b"picture"
    volume.detach()
    assert path.is_file() or not path.stat().st_mode & 0o777
    volume.put("a", None)
    volume.put("a", None)
    volume.put("b", b"put meanwhile")
    assert [(file.name, file.content) for file in volume.host().read()] == [("b", b"put meanwhile")]
    volume.attach()
    assert [(one.name, one.read_bytes()) for one in path.iterdir()] == [("b", b"put meanwhile")]
    with pytest.raises(UnavailableError, match="cannot be written: No such file or directory"):
        volume.put("no/such/directory", b"")


def test_what_stands_in_is_cleared_wherever_it_is(volume: Volume, path: Path) -> None:
    """A run that was ended while the volume was out of reach, and goes on with an empty one."""
    volume.clear()
    volume.put("a", b"picture")
    volume.detach()
    volume.clear()
    assert names(path) == ["cache.set-aside", "cache.set-aside/mine"]
    volume.put("b", b"picture")
    assert (path / "b").exists()


def test_what_cannot_be_seen_is_not_taken_for_not_there(path: Path) -> None:
    """The user's picture and counts were deleted once: what could not be seen was taken for not there."""
    volume = Volume(Away(), str(path), "/cache", lambda: View("", list))
    for touch in (volume.is_set_aside, volume.clear, volume.put_back, volume.detach):
        with pytest.raises(UnavailableError, match="test failed"):
            touch()
    assert names(path) == WHOLE


# With the app


@contextmanager
def brought_up(home: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(Home(home))
    target.up(Settings(port=free_port(), image_url="sample:"), Terminal(stderr=True))
    wait_for(lambda: state(target).sha256)
    try:
        yield target
    finally:
        target.down(Terminal(stderr=True), keep_data=False)


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Iterator[LocalTarget]:
    """On a cache that stands in for the user's, with a picture."""
    with brought_up(tmp_path / "home") as target:
        clear(target)
        wait_for(lambda: state(target).sha256)
        yield target


def clear(target: LocalTarget) -> None:
    found = target.deployed()
    assert found
    target.stop()
    target.volume.clear()
    target.start(found.settings)


def url(target: LocalTarget) -> str:
    found = target.deployed()
    assert found
    return f"http://127.0.0.1:{found.settings.port}"


def state(target: LocalTarget) -> CacheState:
    with Client(url(target)) as client:
        return client.state()


@pytest.mark.live
def test_out_of_reach_the_app_goes_on_in_memory(target: LocalTarget) -> None:
    visitor.view(url(target))
    target.volume.detach()
    kept = target.volume.host().read()
    assert [file.name for file in kept] == [STATE, PICTURE], "the host finds them still"
    with pytest.raises(UnavailableError, match="files of the volume cannot be read: Not a directory"):
        target.volume.views()[1].read()
    visitor.view(url(target))
    assert state(target).last_error
    assert target.volume.host().read() == kept
    target.volume.attach()
    visitor.view(url(target))
    host, app = target.volume.views()
    assert host.read() == app.read() != kept


@pytest.mark.live
def test_a_kill_while_it_is_out_of_reach_loses_nothing_of_the_users(tmp_path: Path) -> None:
    with brought_up(tmp_path / "home") as target:
        visitor.view(url(target))
        before = state(target)
        clear(target)
        target.volume.detach()
        again = LocalTarget(Home(tmp_path / "home"))
        again.stop()
        again.volume.put_back()
        assert [one.name for one in (again.directory / "volume").iterdir()] == ["cache"]
        found = again.deployed()
        assert found
        again.start(found.settings)
        assert state(again) == before
        again.stop()


@pytest.mark.live
def test_no_page_view_finds_a_moment_without_a_directory(target: LocalTarget) -> None:
    """It would be counted in a new one, and be lost with that."""
    over = threading.Event()
    viewed: list[str] = []

    def view() -> None:
        while not over.is_set():
            visitor.view(url(target))
            viewed.append("a page")

    visitors = [threading.Thread(target=view) for _ in range(2)]
    for thread in visitors:
        thread.start()
    try:
        for _ in range(25):
            target.volume.detach()
            target.volume.attach()
    finally:
        over.set()
        for thread in visitors:
            thread.join()
    assert len(viewed) > 2
    host, app = target.volume.views()
    assert host.read() == app.read()


@pytest.mark.live
def test_an_app_that_was_halted_goes_on_whatever_happens(
    target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    (running,) = process.find(target.directory)

    def refuse(*_: str) -> str:
        wait_for(lambda: running.status() == psutil.STATUS_STOPPED)
        raise CommandFailedError("'mv' failed", why="Permission denied", exit_code=1)

    with monkeypatch.context() as patched:
        patched.setattr(ThisMachine, "run", refuse)
        with pytest.raises(UnavailableError, match="Permission denied"):
            target.volume.detach()
    visitor.view(url(target))

    def gone(_: psutil.Process) -> None:
        raise psutil.NoSuchProcess(running.pid)

    monkeypatch.setattr(psutil.Process, "suspend", gone)
    monkeypatch.setattr(psutil.Process, "resume", gone)
    with process.halted([running]):
        pass
