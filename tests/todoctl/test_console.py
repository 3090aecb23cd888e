"""The terminal: a live view, or plain lines."""

import io
import shlex
import time

import pytest
from rich.console import Console

from tests.todoctl.evidence.reports import verdicts
from todoctl.console import Terminal
from todoctl.targets.base import Finding


@pytest.fixture(name="no_columns", autouse=True)
def _no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def on_a_screen(width: int = 80, *, show_commands: bool = False) -> tuple[Terminal, io.StringIO]:
    terminal, shown = Terminal(show_commands=show_commands), io.StringIO()
    terminal.console = Console(file=shown, force_terminal=True, width=width, highlight=False)
    return terminal, shown


def test_a_step_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.step("Start [it]") as step:
        step.update("waiting for [the pod]")
        step.update("waiting for [the pod]")
    with pytest.raises(ZeroDivisionError), terminal.step("Break"):
        raise ZeroDivisionError
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  Start [it] waiting for [the pod]"
    assert lines[1].startswith("✓ Start [it] ")
    assert lines[2].startswith("✗ Break ")


def test_a_pipe_gets_a_line_for_what_is_new(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is told, and however long it takes."""
    moments = iter((103.0, 200.0, 300.0))
    monkeypatch.setattr(time, "time", lambda: next(moments))
    with Terminal().step("Wait") as step:
        for _ in range(3):
            step.update("pod [a] pulls b", 100.0)
        step.update("pod [a] runs")
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == "  Wait pod [a] pulls b for 3 s"
    assert second == "  Wait pod [a] runs"


def test_findings_come_with_advice(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().findings(
        {
            "local": [
                Finding(subject="Python", ok=True, seen="3.11", fix="not needed"),
                Finding(subject="Port 80", ok=False, seen="taken", fix="choose another"),
                Finding(subject="Image service", ok=False, seen="away", required=False),
            ]
        }
    )
    assert capsys.readouterr().out.splitlines() == [
        "local",
        "  ✓ Python: 3.11",
        "  ✗ Port 80: taken → choose another",
        "  ! Image service: away",
    ]


def test_facts_are_in_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(stderr=True).facts({"Target": "k3d", "Answers [now]": 1})
    assert capsys.readouterr().err.splitlines() == ["Target         k3d", "Answers [now]  1"]


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().note("word " * 100 + "end")
    assert capsys.readouterr().out == "word " * 100 + "end\n"


def test_columns_wrap_a_pipe_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    Terminal().note("word " * 20 + "end")
    lines = capsys.readouterr().out.splitlines()
    assert 1 < len(lines) < 5
    assert all(set(line.split()) <= {"word", "end"} for line in lines)


def test_words_are_not_broken_and_urls_left_whole() -> None:
    terminal, shown = on_a_screen(40)
    url = "http://localhost:8081/" + "x" * 50
    terminal.note(f"The page is at one long address, namely {url} and nowhere else.")
    assert url in shown.getvalue().splitlines()
    assert len(shown.getvalue().splitlines()) == 3


def test_a_pipe_gets_a_line_for_each_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    made = verdicts.verdict()
    terminal = Terminal()
    with terminal.expect([(result.name, 1.0) for result in made.scenarios]):
        for result in made.scenarios:
            with terminal.scenario(result.name, result.title) as waiting:
                waiting("0:02.0 to go")
            terminal.finished(result)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 11
    assert "\x1b" not in out
    assert "✓ mount     2 files, the same on both sides  0.1 s\n" in out


def test_a_screen_sees_how_far_the_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, shown = on_a_screen()
    now = 100.0
    monkeypatch.setattr("todoctl.console.time.monotonic", lambda: now)
    with terminal.expect([("fresh", 10.0), ("grace", 80.0)]):
        live = terminal._live
        assert live is not None

        def lines() -> list[str]:
            out = io.StringIO()
            Console(file=out, width=80).print(live.render())
            return [" ".join(line.split()) for line in out.getvalue().splitlines()]

        assert lines()[1].endswith("0 of 2, 1:30 left")
        with terminal.scenario("fresh", "A [picture] is fetched.") as waiting:
            waiting("0:02.0 to go")
            now = 104.0
            assert lines()[0] == "fresh: A [picture] is fetched. 0:02.0 to go 0:06"
            assert lines()[1].endswith("0 of 2, 1:26 left")
            now = 150.0
            assert lines()[0].endswith(" 0:00")
            with terminal.step("Start it") as step:
                step.update("waiting for the pod")
                assert lines()[0] == "Start it waiting for the pod 0:00"
            assert lines()[0].startswith("fresh: ")
        assert lines()[1].endswith("1 of 2, 1:20 left")
        terminal.finished(verdicts.find(verdicts.verdict(), "fresh"))
    assert terminal._live is None
    assert "✓ Start it" not in lines()[0]
    assert "Start it" in shown.getvalue()


def test_a_screen_sees_steps_and_scenarios_without_a_plan() -> None:
    terminal, shown = on_a_screen()
    with terminal.step("Start it") as step:
        step.update("waiting for the pod")
        time.sleep(0.15)
    with terminal.scenario("grace", "Once more.") as waiting:
        waiting("0:02.0 to go")
        time.sleep(0.15)
    assert "waiting for the pod" in shown.getvalue()
    assert "Once more." in shown.getvalue()
    assert "\x1b" in shown.getvalue()


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal, shown = on_a_screen()
    terminal.finished(verdicts.find(verdicts.verdict(), "grace"))
    assert "\x1b[3" not in shown.getvalue()


LONG = ["kubectl", *(f"--option-{number}=[value]" for number in range(40))]


def test_commands_stand_below_their_step_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal(show_commands=True)
    terminal.commands.tell(["before"])
    with terminal.step("Apply") as step:
        terminal.commands.tell(LONG)
        step.update("waiting")
    with terminal.downloads("Pull it", ["it"]):
        terminal.commands.tell(["docker", "pull", "it"])

    def fail() -> None:
        with terminal.step("Break"):
            terminal.commands.tell(["break", "it now"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    terminal.commands.tell(["after"])
    lines = [line.split(" 0.")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "$ before",
        "  Apply waiting",
        "✓ Apply",
        f"$ {shlex.join(LONG)}",
        "✓ Pull it",
        "$ docker pull it",
        "✗ Break",
        "$ break 'it now'",
        "$ after",
    ]


def test_commands_of_a_scenario_stand_below_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(show_commands=True)
    with terminal.scenario("fresh", "A picture."):
        for word in ("one", "two", "one"):
            terminal.commands.tell([word])
    terminal.finished(verdicts.find(verdicts.verdict(), "fresh"))

    def interrupt() -> None:
        with terminal.scenario("grace", "Once more."):
            terminal.commands.tell(["three"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    terminal.commands.tell(["four"])
    first, *lines = capsys.readouterr().out.splitlines()
    assert "fresh" in first
    assert lines == ["$ one  # 2 times", "$ two", "$ three", "$ four"]


def test_a_screen_gets_commands_dim_and_unbroken() -> None:
    terminal, shown = on_a_screen(40, show_commands=True)
    with terminal.step("Apply"):
        terminal.commands.tell(LONG)
    *_, line = shown.getvalue().splitlines()
    assert line == f"\x1b[2m$ {shlex.join(LONG)}\x1b[0m"


def test_nobody_sees_commands_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.step("Apply"):
        terminal.commands.tell(["kubectl"])
    assert "kubectl" not in capsys.readouterr().out


def test_a_quiet_terminal_shows_results_and_commands_only(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(quiet=True, show_commands=True)
    terminal.note("by the way")
    with terminal.step("Start") as step:
        step.update("waiting")
        terminal.commands.tell(["start", "it"])
    with terminal.downloads("Pull it", ["it"]) as bars:
        bars.tell("it", 1, 2, "")
    with terminal.side_by_side(["http://a"]) as tell:
        tell("http://a", "visits", 0.0)
    made = verdicts.verdict()
    with terminal.expect([("fresh", 1.0)]), terminal.scenario("fresh", "A picture.") as waiting:
        waiting("0:02 to go")
    terminal.finished(verdicts.find(made, "fresh"))
    assert capsys.readouterr().out == "$ start it\n"
    terminal.facts({"Target": "k3d"})
    terminal.verdict(made, details=False)
    shown = capsys.readouterr().out
    assert shown.startswith("Target  k3d\n")
    assert "PASSED" in shown


def test_a_pipe_with_forced_colours_is_no_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Terminal().step("Start") as step:
        step.update("waiting for " + "word " * 40 + "end")
    first, second = capsys.readouterr().out.splitlines()
    assert "end" in first, "whole lines"
    assert "\x1b[32m✓" in second
    assert "\x1b[?25l" not in first + second
