"""What a validation asks of the local target: both sides of the volume, a death, an image service."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests import visitor
from tests.app_server import free_port, wait_for
from todoctl import directory
from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.image_service.service import ResponseMode
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.local import process
from todoctl.targets.local.target import LocalTarget
from todoctl.terminal import Terminal

PORT = free_port()


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(Home(tmp_path / "home"))
    target.up(Settings(port=PORT, image_url="sample:"), Terminal(stderr=True))
    yield target
    target.down(Terminal(stderr=True), keep_data=False)


@pytest.fixture(name="client")
def _client() -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{PORT}") as client:
        yield client


def has_picture(client: Client) -> bool:
    return client.state().sha256 is not None


# The sides of the volume


def test_both_sides_read_the_files_that_the_app_names(target: LocalTarget, client: Client) -> None:
    wait_for(lambda: has_picture(client))
    assert f"cache in {target.volume.directory}," in "\n".join(target.logs(follow=False, lines=9))
    host, app = target.volume.views()
    assert host.seen_from == f"this machine: {target.volume.directory}"
    assert app.seen_from.endswith(target.volume.directory)
    seen = host.read()
    assert seen == app.read()
    assert [file.name for file in seen] == ["cache_metadata.json", "cached_image.jpg"]
    assert seen[1].content == visitor.picture(client.url)
    for file in seen:
        stat = Path(target.volume.directory, file.name).stat()
        assert (file.size, file.modified) == (stat.st_size, stat.st_mtime_ns / 1e9)
        assert file.size == len(file.content)
    visitor.view(client.url)
    assert host.read() == app.read() != seen


def test_a_directory_that_is_not_there_has_no_files(target: LocalTarget) -> None:
    target.stop()
    host = target.volume.host()
    target.volume.clear()
    assert host.read() == []
    target.volume.put_back()
    with pytest.raises(UnavailableError, match="The app does not run"):
        target.volume.views()


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("b")
    assert [(name, size, content) for name, size, _, content in directory.read(str(tmp_path))] == [
        ("a", 0, b""),
        ("b", 3, b"two"),
    ]


def test_what_changes_meanwhile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, look = tmp_path / "file", directory._look
    left = directory.TRIES - 1

    def restless(where: str) -> dict[str, tuple[int, int, int, int]]:
        nonlocal left
        found = look(where)
        if left:
            left -= 1
            file.write_text("x" * left)
        return found

    file.write_text("9")
    monkeypatch.setattr(directory, "_look", restless)
    assert [one[3] for one in directory.read(str(tmp_path))] == [b""]
    left = 99
    with pytest.raises(BlockingIOError, match="changes all the time"):
        directory.read(str(tmp_path))


# A death


def test_killed_it_comes_back_with_the_settings_that_it_ran_with(target: LocalTarget, client: Client) -> None:
    target.stop()
    target.start(Settings(port=PORT, image_url="http://127.0.0.1:9/", ttl=0.5))
    before, seen = target.instances(), client.state()
    (dying,) = process.find(target.directory)
    for end in (partial(target.restart, at_once=True), partial(target.restart, at_once=True), target.restart):
        end()
        after = client.state()
        assert (after.ttl, after.source, after.sha256) == (0.5, "http://127.0.0.1:9/", seen.sha256)
        assert len(target.instances()) == 1
        assert not target.instances() & before
        before |= target.instances()
    assert not dying.is_running()
    log = "\n".join(target.logs(follow=False, lines=99))
    assert log.count("cache in") == 5


def test_a_process_is_dead_when_none_of_its_threads_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose main thread is gone is called a zombie, and holds its port for as long as another runs."""
    threads = [2, 2, 1]
    monkeypatch.setattr(psutil.Process, "status", lambda _: psutil.STATUS_ZOMBIE)
    monkeypatch.setattr(psutil.Process, "num_threads", lambda _: threads.pop(0))
    monkeypatch.setattr(psutil.Process, "wait", lambda *_: None)
    myself = psutil.Process()
    assert [process.is_alive(myself) for _ in range(3)] == [True, True, False]


# Several processes on one volume


def test_several_have_ports_of_their_own_on_one_volume(target: LocalTarget, client: Client) -> None:
    wait_for(lambda: has_picture(client))
    (first,) = target.instances()
    for number in (3, 2):
        urls = target.scale(number)
        assert urls[0] == client.url
        assert len(set(urls)) == len(target.instances()) == number
        assert first in target.instances()
        before = client.state().access_count
        for url in urls:
            visitor.view(url)
        assert {visitor.picture(url) for url in urls} == {visitor.picture(client.url)}
        assert client.state().access_count == before + number
    assert target.scale(1) == [client.url]
    assert target.instances() == {first}


@pytest.mark.parametrize("end", ["stop", "stop at once", "kill", "restart"])
def test_what_ends_one_ends_all_of_them(end: str, target: LocalTarget, client: Client) -> None:
    """And the one that comes after them is where the first was."""
    target.scale(2)
    before = process.find(target.directory)
    ends: dict[str, Callable[[], None]] = {
        "stop": target.stop,
        "stop at once": lambda: target.stop(at_once=True),
        "kill": partial(target.restart, at_once=True),
        "restart": target.restart,
    }
    ends[end]()
    assert not any(process.is_alive(running) for running in before)
    assert len(target.instances()) == ("stop" not in end)
    assert client.is_ready() == ("stop" not in end)


@pytest.mark.parametrize("at_once", [True, False])
def test_stopped_at_once_it_gets_no_notice(at_once: bool, target: LocalTarget) -> None:
    target.stop(at_once=at_once)
    assert ("SIGTERM" in "\n".join(target.logs(follow=False, lines=99))) != at_once


# The image service


def test_the_app_fetches_from_the_image_service(target: LocalTarget, client: Client) -> None:
    with target.image_service() as service:
        target.stop()
        target.volume.clear()
        target.start(Settings(port=PORT, image_url=service.url, ttl=0.5))
        wait_for(lambda: has_picture(client))
        (served,) = service.served()
        assert served.mode is ResponseMode.PICTURE
        assert served.picture == visitor.picture(client.url)
        service.answer(ResponseMode.ERROR)
        while len(service.served()) < 2:
            visitor.view(client.url)
        assert service.served()[1].picture is None
        assert visitor.picture(client.url) == served.picture
    with pytest.raises(UnavailableError, match="The image service does not answer"):
        service.pending()
