"""`--help`: every option explained and in its panel, and examples that work."""

import pytest
from typer.core import TyperGroup
from typer.exceptions import TyperException

from tests.todoctl.cli import lines
from tests.todoctl.cli.lines import Found
from tests.todoctl.conftest import CommandLine
from todoctl.__main__ import run
from todoctl.cli import app as panels
from todoctl.course.claims import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

FOUND = lines.commands()
each = pytest.mark.parametrize("found", FOUND, ids=str)


@pytest.fixture(name="help_of")
def _help_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> lines.HelpOf:
    """Returns what `--help` of a command prints, in one line."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def help_of(name: str) -> str:
        assert run([*name.split()[1:], "--help"]) == 0
        return " ".join(capsys.readouterr().out.replace("│", " ").split())

    return help_of


def test_all_commands_are_looked_at() -> None:
    assert {"todoctl up", "todoctl image push"} < {found.name for found in FOUND}


@each
def test_every_option_is_explained(found: Found, help_of: lines.HelpOf) -> None:
    told = help_of(found.name)
    for parameter in found.command.get_params(found.context):
        sentence = str(getattr(parameter, "help", "")).replace("\\[", "[")
        assert sentence.endswith((".", "]")), sentence
        assert " ".join(sentence.split()) in told
        if parameter.param_type_name == "option" and not isinstance(found.command, TyperGroup):
            assert str(getattr(parameter, "rich_help_panel", None) or "Options") in told


@each
def test_examples_are_commands_that_are_there(found: Found, help_of: lines.HelpOf) -> None:
    examples = list(lines.shown((found.command.epilog or "").strip("\b")))
    assert any(" ".join(words).startswith(found.name) for words in examples)
    for words in examples:
        lines.parse(words)


def test_an_example_that_is_wrong_would_be_found() -> None:
    for wrong in ("todoctl upp", "todoctl up --moon", 'curl "$(todoctl up --port)"'):
        (words,) = lines.shown(wrong)
        with pytest.raises(TyperException):
            lines.parse(words)


def test_commands_come_in_the_order_of_use(help_of: lines.HelpOf) -> None:
    told = help_of("todoctl")
    where = [told.index(panel) for panel in (panels.LIFE, panels.PROVE, panels.LOOK, panels.BUILD)]
    assert where == sorted(where)


def test_what_can_be_named_is_in_the_help(help_of: lines.HelpOf) -> None:
    told = help_of("todoctl validate")
    for name in [*(scenario.name for scenario in SCENARIOS), *CLAIMS]:
        assert name in told


@pytest.mark.live
@pytest.mark.parametrize("arguments", [(), ("image",)])
def test_whoever_gives_nothing_gets_the_help(arguments: tuple[str, ...], todoctl: CommandLine) -> None:
    told = todoctl(*arguments, code=2)
    assert told.stderr == ""
    assert told.stdout.split() == todoctl(*arguments, "--help").stdout.split()
