"""`--help`: every sentence whole at 80 columns, everything in its group, and examples that work."""

import re
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.exceptions import TyperException

from tests.todoctl.cli import lines
from tests.todoctl.cli.lines import Found
from tests.todoctl.cli.terminal import on_a_terminal
from tests.todoctl.conftest import CommandLine
from todoctl.cli import app as groups
from todoctl.cli.help import summary
from todoctl.course.verdict import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

FOUND = lines.commands()
BY_NAME = {found.name: found for found in FOUND}
each = pytest.mark.parametrize("found", FOUND, ids=str)


@pytest.fixture(name="narrow", autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_all_commands_are_looked_at() -> None:
    assert len(FOUND) >= 14
    assert "todoctl image push" in BY_NAME


@each
def test_no_sentence_is_cut_off(found: Found) -> None:
    told = found.help
    assert max(map(len, told.splitlines())) <= 80
    assert "..." not in told.replace("[ARGS]...", "").replace("sha256:...", "")
    assert "<" not in told, "a type in the place of a word"
    for parameter in found.command.get_params(found.context):
        sentence = str(getattr(parameter, "help", ""))
        assert sentence[0].isupper() or sentence[0].isdigit() or sentence.startswith("k3d, ")
        assert sentence.endswith((".", "]")), sentence
        assert in_one_line(sentence) in in_one_line(told)


@each
def test_examples_are_commands_that_are_there(found: Found) -> None:
    told = found.help
    examples = list(lines.shown(found.command.epilog or ""))
    assert any(" ".join(words).startswith(found.name) for words in examples)
    for words in examples:
        lines.parse(words)
    heading, *rest = told.partition("Examples:\n")[2].splitlines()
    assert [heading[2:], *(line[2:] for line in rest)] == (found.command.epilog or "").splitlines(), (
        "line by line"
    )


def test_an_example_that_is_wrong_would_be_found() -> None:
    for wrong in (
        "todoctl upp",
        "todoctl up --moon",
        "cd x && todoctl status -q",
        'curl "$(todoctl up --port)"',
    ):
        (words,) = lines.shown(wrong)
        with pytest.raises(TyperException):
            lines.parse(words)


@each
def test_a_summary_is_one_line(found: Found) -> None:
    if not isinstance(found.command, TyperGroup):
        return
    told = found.help.splitlines()
    width = max(map(len, found.command.commands))
    for inner, one in found.command.commands.items():
        assert summary(one).endswith(".")
        assert f"  {inner.ljust(width)}  {summary(one)}" in told


@each
def test_every_option_is_in_a_group(found: Found) -> None:
    if isinstance(found.command, TyperGroup):
        assert "\nOptions:\n" in found.help
        return
    for parameter in found.command.params:
        if parameter.param_type_name == "option":
            group = getattr(parameter, "rich_help_panel", None)
            assert group, parameter.name
            assert f"\n{group}:\n" in found.help
    assert "  --help" in found.help.partition("\nOutput:\n")[2]


def test_commands_come_in_the_order_of_use() -> None:
    headings = re.findall(r"^(\w.*):$", BY_NAME["todoctl"].help, re.MULTILINE)
    assert headings == [groups.LIFE, groups.PROVE, groups.LOOK, groups.BUILD, "Options", "Examples"]


def test_options_of_a_target_stand_under_its_name() -> None:
    told = BY_NAME["todoctl up"].help
    on_k3d, _, on_kubernetes = told.partition("\nOn k3d:\n")[2].partition("\nOn kubernetes:\n")
    assert "--agents NUMBER" in on_k3d
    assert "--pull-secret NAME" in on_kubernetes
    assert " k3d: " not in told


def test_what_can_be_named_is_in_the_help() -> None:
    told = in_one_line(BY_NAME["todoctl validate"].help)
    assert f"Scenarios: {', '.join(scenario.name for scenario in SCENARIOS)}." in told
    assert f"claim by claim: {', '.join(CLAIMS)}." in told


@pytest.mark.parametrize("arguments", [(), ("image",)])
def test_whoever_gives_nothing_gets_the_help(arguments: tuple[str, ...], tmp_path: Path) -> None:
    todoctl = CommandLine(tmp_path / "home")
    told = todoctl(*arguments, code=2)
    assert told.stdout == ""
    assert told.stderr == todoctl(*arguments, "--help").stdout


def test_a_terminal_gets_bold_headings_and_no_colour(tmp_path: Path) -> None:
    told = on_a_terminal(tmp_path, "up", "--help")
    assert "\x1b[1mOn k3d\x1b[0m:\n" in told
    assert set(re.findall(r"\x1b\[[^m]*m", told)) == {"\x1b[1m", "\x1b[0m"}
    assert "\x1b" not in on_a_terminal(tmp_path, "up", "--help", env={"NO_COLOR": "1"})
    assert "\x1b" not in CommandLine(tmp_path)("up", "--help").stdout
