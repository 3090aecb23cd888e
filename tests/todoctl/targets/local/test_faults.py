"""The local target where something is missing or in the way; in this process, so that faults can be made."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import visitor
from tests.app_server import free_port
from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.local import process
from todoctl.targets.local import target as local
from todoctl.targets.local.target import LocalTarget
from todoctl.terminal import Terminal


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(Home(tmp_path / "home"))
    yield target
    target.stop()


def up(target: LocalTarget) -> Settings:
    settings = Settings(port=free_port(), image_url="sample:")
    assert target.up(settings, Terminal(stderr=True))
    return settings


def test_without_a_process_there_is_nothing_to_look_at(target: LocalTarget) -> None:
    for call in (target.restart, target.volume.views):
        with pytest.raises(UnavailableError, match=r"The app does not run\. Start it with 'todoctl up'"):
            call()
    assert list(target.logs(follow=False, lines=10)) == []
    assert not target.down(Terminal(), keep_data=False)


def test_a_process_that_may_not_be_examined_is_told(
    target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(target)
    found = process.find(target.directory)

    def denied(_: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied

    with monkeypatch.context() as patched:
        patched.setattr(process, "find", lambda *_: found)
        patched.setattr(psutil.Process, "environ", denied)
        with pytest.raises(UnavailableError, match="cannot be examined"):
            target.volume.views()
        assert not process.runs_on(target.directory, 1)


def test_without_proc_the_directory_is_read_by_its_path(
    target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = up(target)
    with Client(f"http://127.0.0.1:{settings.port}") as client:
        visitor.view(client.url)
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: not str(path).startswith("/proc/") and exists(path))
    host, inside = target.volume.views()
    assert host.read() == inside.read() != []
    assert "/proc/" not in inside.seen_from


def test_what_cannot_be_removed_is_told(target: LocalTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    (target.directory / "volume").mkdir(parents=True)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refuse)
        with pytest.raises(UnavailableError, match="cannot be written: Permission denied"):
            target.down(Terminal(), keep_data=False)
    assert (target.directory / "volume").exists()


def test_an_app_that_never_answers_is_told_and_ended(
    target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "START_SECONDS", 0.5)
    monkeypatch.setattr(Client, "is_ready", lambda _: False)
    with pytest.raises(UnavailableError, match=r"The app has not answered within 0\.5 s: ") as told:
        up(target)
    assert "app.log" not in str(told.value), "a first start that fails leaves nothing"
    assert process.find(target.directory) == []
    assert not target.directory.exists()


def test_findings_name_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = LocalTarget(Home(tmp_path / "file" / "home")).findings(free_port())
    assert [(found.subject, found.ok) for found in findings][1] == ("State directory", False)
    assert findings[1].seen.endswith("file/home cannot be written")
    assert "TODOCTL_HOME" in findings[1].fix


def test_up_replaces_what_cannot_be_examined(target: LocalTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    up(target)
    before = target.instances()

    def gone(_: object) -> dict[str, str]:
        raise UnavailableError("The app's process cannot be examined", fix="Run again")

    monkeypatch.setattr(process, "environment", gone)
    up(target)
    assert target.instances() != before
