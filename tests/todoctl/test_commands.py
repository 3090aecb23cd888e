"""Commands: one line each, in a shell's own words, and those of the background when it is waited for."""

import shlex
import subprocess
import threading

from todoctl.commands import SILENT, Commands, once


def test_words_are_quoted_and_pipes_are_not() -> None:
    told: list[str] = []
    Commands(told.append).tell(["k3d", "--k3s-arg=x@agent:*"], ["grep", "it's $HOME"])
    assert told == ["""k3d '--k3s-arg=x@agent:*' | grep 'it'"'"'s $HOME'"""]
    assert shlex.split(told[0]) == ["k3d", "--k3s-arg=x@agent:*", "|", "grep", "it's $HOME"]


def test_a_shell_that_stops_at_a_failure_goes_on_after_one_that_may_fail() -> None:
    told: list[str] = []
    commands = Commands(told.append)
    commands.tell(["true"], ["false"], may_fail=True)
    commands.tell(["echo", "went on"])
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail"],  # noqa: S607 - a shell of whoever pastes
        input="\n".join(told),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "went on\n"


def test_what_is_kept_is_shown_when_it_is_passed_on() -> None:
    told: list[str] = []
    commands = Commands(told.append)
    kept: list[list[str]] = []

    def work() -> None:
        with commands.kept() as lines:
            commands.tell(["beside"])
            commands.pass_on(["handed over"])
        kept.append(lines)
        commands.tell(["after"])

    thread = threading.Thread(target=work)
    with commands.kept() as mine:
        thread.start()
        thread.join()
        assert mine == [], "of this thread only"
    assert told == ["after"]
    commands.pass_on(kept[0])
    assert told == ["after", "beside", "handed over"]


def test_where_nobody_looks_nothing_is_told() -> None:
    with SILENT.kept() as lines:
        SILENT.tell(["one"])
    SILENT.pass_on(["another"])
    assert lines == []


def test_each_is_shown_once() -> None:
    assert once(["a", "b", "a", "c", "a"]) == ["a  # 3 times", "b", "c"]
