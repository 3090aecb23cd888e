"""The state directory: where it is, its lock, and files that are damaged."""

import threading
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from todoctl.errors import BadUsageError, LockedError, UnavailableError
from todoctl.state import Home, damaged, read_json, write_json
from todoctl.targets import Choice, known


def test_the_environment_names_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOCTL_HOME", str(tmp_path / "mine"))
    assert Home().path == tmp_path / "mine"


def test_the_default_is_the_users_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TODOCTL_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = Home().path
    assert path.name == "todoctl"
    assert path.is_relative_to(tmp_path)


def test_a_second_command_is_kept_out(tmp_path: Path) -> None:
    with Home(tmp_path).lock(), pytest.raises(LockedError, match="Another todoctl command is at work"):
        with Home(tmp_path).lock():
            pytest.fail("two commands at once")
    with Home(tmp_path).lock():
        pass


@pytest.mark.parametrize("name", ["file", "file/home"])
def test_a_directory_that_cannot_be_made_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"cannot be written: Not a directory\. .*TODOCTL_HOME"):
        with Home(tmp_path / name).lock():
            pytest.fail("locked a file, or a child of one")


def test_a_directory_that_may_not_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Home(tmp_path / "none").check_readable()
    Home(tmp_path).check_readable()
    refused = PermissionError(13, "Permission denied")
    monkeypatch.setattr(Path, "stat", Mock(side_effect=refused))  # root may look anywhere
    with pytest.raises(UnavailableError, match=r"cannot be read: Permission denied\. .*TODOCTL_HOME"):
        known(Home(tmp_path), Choice())


def test_a_directory_that_may_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(UnavailableError, match="Permission denied"):
        write_json(tmp_path / "state.json", {})


def test_a_lock_that_is_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(UnavailableError, match="cannot be written"):
        with Home(tmp_path).lock():
            pytest.fail("locked a directory")


def test_it_is_forgotten_when_nothing_is_left(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.lock():
        write_json(home.path / "state.json", {"a": 1})
    assert read_json(home.path / "state.json") == {"a": 1}
    with home.lock():
        (home.path / "state.json").unlink()
    assert not home.path.exists()


def test_what_a_stranger_has_put_there_stays_and_is_no_obstacle_later(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.tidy()
    assert not home.path.exists()
    with home.lock():
        (home.path / "mine.txt").write_text("keep me")
    home.tidy()
    (home.path / "mine.txt").unlink()
    with home.lock():
        Home(home.path).tidy()  # another command, which leaves the lock to this one
        assert (home.path / "lock").exists()
        (home.path / "more.txt").touch()
    (home.path / "more.txt").unlink()
    home.tidy()
    assert not home.path.exists()


def test_a_directory_that_the_user_has_made_stays(tmp_path: Path) -> None:
    with Home(tmp_path).lock():
        assert (tmp_path / "lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_is_the_users_alone(tmp_path: Path) -> None:
    (tmp_path / "state.tmp").touch(mode=0o644)
    write_json(tmp_path / "state.json", {})
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_who_has_opened_a_lock_that_goes_gets_the_next_one(tmp_path: Path) -> None:
    """Two commands never work at once, also where the first one removes the directory at its end."""
    home, inside, most = Home(tmp_path / "home"), [], []

    def work() -> None:
        for _ in range(50):
            with suppress(LockedError, UnavailableError), home.lock():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\0", "\udcff", "[" * 100_000])
def test_a_damaged_file_is_named_and_left_as_it_is(content: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(content, errors="surrogateescape")
    with pytest.raises(UnavailableError, match=r"state\.json is damaged: .*Nothing was changed"):
        read_json(path)
    assert path.read_text(errors="surrogateescape") == content


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("it holds no JSON object", "it holds no JSON object"),
        (TypeError("float() argument must be"), "a value in it is none that todoctl has written"),
        (OverflowError("cannot convert float infinity"), "a value in it is none that todoctl has written"),
        (BadUsageError("--port 0 is not a port", fix="Use 1 to 65535"), "--port 0 is not a port"),
    ],
)
def test_what_is_wrong_with_a_damaged_file_is_said_plainly(error: str | Exception, why: str) -> None:
    assert f"/a/state.json is damaged: {why}. Nothing was changed" in str(
        damaged(Path("/a/state.json"), error)
    )


def test_a_missing_file_is_none_and_an_unreadable_one_an_error(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") is None
    with pytest.raises(UnavailableError, match="cannot be read: Is a directory"):
        read_json(tmp_path)


def test_a_file_that_cannot_be_replaced_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(UnavailableError, match="cannot be written"):
        write_json(tmp_path / "state.json", {})
