"""Looking at the node's side again and again: by one command, and by others where that has failed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from todoctl.errors import UnavailableError
from todoctl.targets.k3d import node, node_side
from todoctl.targets.k3d.node import Node
from todoctl.targets.k3d.node_side import NodeSide
from todoctl.targets.volume import File


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
    monkeypatch.setattr(node_side, "AGAIN", "exec sleep 60")
    monkeypatch.setattr(node_side, "LOOK_SECONDS", 0.1)
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
