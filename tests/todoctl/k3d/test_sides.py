"""Looking at the volume again and again: by one command at each side, and by others where that has failed."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.todoctl.k3d.kube import Kube
from todoctl.errors import UnavailableError
from todoctl.k3d import node, sides
from todoctl.k3d.api import Api
from todoctl.k3d.node import Node
from todoctl.k3d.sides import NodeSide, PodSide
from todoctl.volume import File

AT = 1795520561932186601


class Here(Node):
    """This machine in the place of a node. `looks` counts the looks by a command of their own."""

    def __init__(self, directory: Path) -> None:
        self.name = "here"
        self._directory = directory
        self.begun = self.looks = 0

    def inside(self, *command: str, stdin: bool = False) -> list[str]:
        assert stdin
        self.begun += 1
        return self._here(command)

    def _here(self, command: tuple[str, ...]) -> list[str]:
        return [word.replace("/tmp/kube", str(self._directory)) for word in command]

    def _execute(self, command: tuple[str, ...]) -> tuple[int, bytes, bytes]:
        self.looks += 1
        done = subprocess.run(self._here(command), capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setattr(node, "CACHE", str(tmp_path / "cache"))
    return Here(tmp_path)


@pytest.fixture(name="host")
def _host(here: Here) -> Iterator[NodeSide]:
    side = NodeSide(here)
    yield side
    side.close()


def names(files: list[File]) -> list[tuple[str, bytes]]:
    return [(file.name, file.content) for file in files]


def test_one_command_looks_again_and_again(here: Here, host: NodeSide, tmp_path: Path) -> None:
    assert host.read() == []
    cache = tmp_path / "cache"
    cache.mkdir()
    for content in (b"", b"a picture\n", b"\x00" * 500_000):
        (cache / "picture").write_bytes(content)
        assert names(host.read()) == [("picture", content)]
    assert (here.begun, here.looks) == (1, 0)


def test_where_it_has_ended_another_one_begins(here: Here, host: NodeSide, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "picture").write_bytes(b"1")
    assert names(host.read()) == [("picture", b"1")]
    assert host._going is not None
    host._going.kill()
    for _ in range(2):
        assert names(host.read()) == [("picture", b"1")]
    assert (here.begun, here.looks) == (2, 1)


def test_one_that_says_nothing_is_not_waited_for(
    here: Here, host: NodeSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "AGAIN", "exec sleep 60")
    monkeypatch.setattr(sides, "LOOK_SECONDS", 0.1)
    assert host.read() == []
    assert here.looks == 1
    assert host._going is None


def test_why_it_failed_is_told_by_a_command_of_its_own(here: Here, host: NodeSide, tmp_path: Path) -> None:
    here._directory = tmp_path / "gone"
    with pytest.raises(UnavailableError, match=r"cannot be read: .*gone"):
        host.read()


def test_a_look_that_fails_ends_nothing(here: Here, host: NodeSide, tmp_path: Path) -> None:
    """A file may vanish while it is read: the next look is not kept waiting."""
    here._directory = tmp_path / "late"
    with pytest.raises(UnavailableError):
        host.read()
    looks = here.looks
    here._directory.mkdir()
    assert host.read() == []
    assert (here.begun, here.looks) == (1, looks)


def line(content: bytes) -> str:
    return json.dumps([["picture", len(content), AT, base64.b64encode(content).decode()]]) + "\n"


@pytest.fixture(name="app")
def _app(api: Api) -> Iterator[PodSide]:
    side = PodSide(api, "pod-1", fractions=True)
    yield side
    side.close()


def test_one_program_in_the_pod_looks_again_and_again(app: PodSide, kube: Kube) -> None:
    contents = [b"", b"1", b"2" * 300_000]
    kube.lines = [line(content) for content in contents]
    kube.output = "not asked"
    for content in contents:
        assert names(app.read()) == [("picture", content)]


def test_where_the_program_has_ended_another_one_looks(app: PodSide, kube: Kube) -> None:
    kube.lines = [line(b"1")]
    kube.output = line(b"2")
    for content in (b"1", b"2", b"1"):
        assert names(app.read()) == [("picture", content)]


def test_why_the_program_failed_is_told(app: PodSide, kube: Kube) -> None:
    kube.output, kube.ending = (
        "PermissionError",
        '{"status": "Failure", "details": {"causes": [{"message": "1"}]}}',
    )
    with pytest.raises(UnavailableError, match=r"'python3' failed in the pod .*PermissionError"):
        app.read()
