"""Colours: on a terminal, unless NO_COLOR says no; in a pipe only where FORCE_COLOR says yes."""

from pathlib import Path

import pytest

from tests.todoctl.cli.terminal import COLOUR, MOVES, on_a_terminal
from tests.todoctl.conftest import CommandLine
from tests.todoctl.test_prove import saved


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> str:
    return str(saved(tmp_path / "wrong.json", wrong=True))


def in_a_pipe(tmp_path: Path, *arguments: str, **env: str) -> str:
    todoctl = CommandLine(tmp_path / "home", env={"NO_COLOR": "", "FORCE_COLOR": "", **env})
    with todoctl.spawn(*arguments) as process:
        out, err = process.communicate(timeout=60)
    return out + err


def test_a_terminal_gets_colours(tmp_path: Path, run: str) -> None:
    seen = on_a_terminal(tmp_path, "judge", run)
    assert COLOUR.search(seen)
    assert MOVES.search(seen), "the bar of a run"


def test_no_color_takes_them_away(tmp_path: Path, run: str) -> None:
    for words in (["judge", run, "--details"], ["up", "--moon"], ["--help"]):
        seen = on_a_terminal(tmp_path, *words, env={"NO_COLOR": "1"})
        assert seen.strip()
        assert not COLOUR.search(seen), words


def test_a_pipe_gets_none(tmp_path: Path, run: str) -> None:
    for words in (["judge", run], ["status"], ["up", "--moon"], ["--help"]):
        assert "\x1b" not in in_a_pipe(tmp_path, *words)


def test_force_color_gives_a_pipe_colours_and_whole_lines(tmp_path: Path, run: str) -> None:
    seen = in_a_pipe(tmp_path, "judge", run, "--details", FORCE_COLOR="1")
    assert COLOUR.search(seen)
    assert not MOVES.search(seen), "a CI system's log is no screen"
    plain = in_a_pipe(tmp_path, "judge", run, "--details")
    assert seen.count("\n") == plain.count("\n")


def test_no_color_is_stronger_than_force_color(tmp_path: Path, run: str) -> None:
    assert not COLOUR.search(in_a_pipe(tmp_path, "judge", run, NO_COLOR="1", FORCE_COLOR="1"))
