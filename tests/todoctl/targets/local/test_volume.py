"""The local volume: set aside, put back, out of the app's reach and back within it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests import visitor
from tests.app_server import free_port, wait_for
from todoctl.client import CacheState, Client
from todoctl.errors import UnavailableError
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.local import process
from todoctl.targets.local.target import LocalTarget
from todoctl.targets.local.volume import LocalVolume
from todoctl.terminal import Terminal

STATE, PICTURE = "cache_metadata.json", "cached_image.jpg"


@pytest.fixture(name="volume")
def _volume(tmp_path: Path) -> LocalVolume:
    """One that nothing runs on, with a cache that is the user's."""
    volume = LocalVolume(tmp_path)
    volume.path.mkdir(parents=True)
    (volume.path / "mine").write_bytes(b"mine")
    return volume


def names(volume: LocalVolume) -> list[str]:
    """What lies beside the cache and in it."""
    around = volume.path.parent
    return sorted(str(path.relative_to(around)) for path in around.rglob("*"))


WHOLE = ["cache", "cache/mine"]


def test_where_nothing_is_set_aside_nothing_is_touched(volume: LocalVolume) -> None:
    for touch in (volume.empty, volume.detach, volume.attach, lambda: volume.put("x", b"")):
        with pytest.raises(UnavailableError, match="not set aside, so it is not touched"):
            touch()
    volume.put_back()
    assert names(volume) == WHOLE


def test_what_is_set_aside_comes_back_whatever_stood_in_for_it(volume: LocalVolume) -> None:
    ways: list[Callable[[], None]] = [lambda: volume.put("theirs", b"x"), volume.empty, volume.detach]
    for make in ways:
        assert not volume.is_set_aside()
        volume.set_aside()
        assert volume.is_set_aside()
        assert "cache/mine" not in names(volume)
        make()
        volume.put_back()
        assert names(volume) == WHOLE


def test_a_cache_that_is_not_there_yet_is_set_aside_too(tmp_path: Path) -> None:
    volume = LocalVolume(tmp_path)
    volume.set_aside()
    volume.put_back()
    assert names(volume) == ["cache"]


def test_a_file_is_put_and_removed_where_the_files_are(volume: LocalVolume) -> None:
    volume.set_aside()
    volume.put("a", b"picture")
    assert (volume.path / "a").read_bytes() == b"picture"
    volume.detach()
    assert volume.path.is_file()
    volume.put("a", None)
    volume.put("a", None)
    volume.put("b", b"put meanwhile")
    assert volume.path.is_file()
    volume.attach()
    assert [(path.name, path.read_bytes()) for path in volume.path.iterdir()] == [("b", b"put meanwhile")]
    with pytest.raises(UnavailableError, match="cannot be written: No such file or directory"):
        volume.put("no/such/directory", b"")


def test_what_stands_in_is_emptied_wherever_it_is(volume: LocalVolume) -> None:
    """A run that was ended while the volume was out of reach, and goes on with an empty one."""
    volume.set_aside()
    volume.put("a", b"picture")
    volume.detach()
    volume.empty()
    assert names(volume) == ["cache.set-aside", "cache.set-aside/mine"]
    volume.put("b", b"picture")
    assert (volume.path / "b").exists()


# With the app


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Iterator[LocalTarget]:
    """On a cache that stands in for the user's, with a picture."""
    target = LocalTarget(Home(tmp_path / "home"))
    settings = Settings(port=free_port(), image_url="sample:")
    target.up(settings, Terminal(stderr=True))
    target.stop()
    target.volume.set_aside()
    target.start(settings)
    wait_for(lambda: state(target).sha256)
    yield target
    target.down(Terminal(stderr=True), keep_data=False)


def url(target: LocalTarget) -> str:
    settings = target.settings()
    assert settings
    return f"http://127.0.0.1:{settings.port}"


def state(target: LocalTarget) -> CacheState:
    with Client(url(target)) as client:
        return client.state()


def test_out_of_reach_the_app_goes_on_in_memory(target: LocalTarget) -> None:
    visitor.view(url(target))
    target.volume.detach()
    kept = target.volume.host().read()
    assert [file.name for file in kept] == [STATE, PICTURE], "the host finds them still"
    with pytest.raises(UnavailableError, match="files of the volume cannot be read: Not a directory"):
        target.volume.sides()[1].read()
    visitor.view(url(target))
    assert state(target).last_error
    assert target.volume.host().read() == kept
    target.volume.attach()
    visitor.view(url(target))
    host, app = target.volume.sides()
    assert host.read() == app.read() != kept


def test_a_kill_while_it_is_out_of_reach_loses_nothing_of_the_users(tmp_path: Path) -> None:
    target, again = (LocalTarget(Home(tmp_path / "home")) for _ in range(2))
    settings = Settings(port=free_port(), image_url="sample:")
    try:
        target.up(settings, Terminal(stderr=True))
        wait_for(lambda: state(target).sha256)
        visitor.view(url(target))
        before = state(target)
        target.stop()
        target.volume.set_aside()
        target.start(settings)
        target.volume.detach()
        again.stop()
        again.volume.put_back()
        assert sorted(path.name for path in again.volume.path.parent.iterdir()) == ["cache"]
        again.start(settings)
        assert state(again) == before
    finally:
        target.stop()
        again.stop()


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
            assert target.volume.path.is_file()
            target.volume.attach()
    finally:
        over.set()
        for thread in visitors:
            thread.join()
    assert len(viewed) > 2
    assert target.volume.host().read() == target.volume.sides()[1].read()


def test_an_app_that_was_halted_goes_on_whatever_happens(
    target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    (running,) = process.find(target.directory)

    def refuse(_: Path) -> None:
        wait_for(lambda: running.status() == psutil.STATUS_STOPPED)
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "touch", refuse)
        with pytest.raises(UnavailableError, match="cannot be written: Permission denied"):
            target.volume.detach()
    visitor.view(url(target))

    def gone(_: psutil.Process) -> None:
        raise psutil.NoSuchProcess(running.pid)

    monkeypatch.setattr(psutil.Process, "suspend", gone)
    monkeypatch.setattr(psutil.Process, "resume", gone)
    with process.halted([running]):
        pass
