"""Commands that prove that what is up behaves as documented."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todoctl.cli.options import ClusterOption, JsonOption, TargetOption, find_home, make_terminal
from todoctl.errors import BadUsageError, ExitCode

if TYPE_CHECKING:
    from todoctl.console import Terminal
    from todoctl.validation.verdict import Verdict

DetailsOption = Annotated[bool, typer.Option("--details", help="Show every check.")]
JunitOption = Annotated[Path | None, typer.Option(help="Write a JUnit XML report there.")]
HtmlOption = Annotated[Path | None, typer.Option(help="Write an HTML report there.")]


def validate(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario", help="Play this one only; may be given several times.", show_default=False
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Keep the deployed TTL and pictures: about 10 minutes at 600 s.")
    ] = False,
    details: DetailsOption = False,
    as_json: JsonOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Prove, scenario by scenario, that what is up behaves as documented."""
    from todoctl import targets
    from todoctl.validate import mend
    from todoctl.validate import validate as run
    from todoctl.validation.reports import files
    from todoctl.validation.scenarios import chosen

    scenarios = chosen(scenario or [], full=full)
    for path in (junit, html):
        files.check_writable(path)
    home = find_home()
    terminal = make_terminal(stderr=as_json)
    where = targets.require(home, targets.Choice(target, cluster))

    def report(verdict: "Verdict") -> None:
        _report(verdict, terminal, details=details, as_json=as_json, junit=junit, html=html)

    with home.lock():
        mend(where, terminal)
        verdict = run(where, terminal, terminal, scenarios, full=full, report=report)
    raise typer.Exit(ExitCode.OK if verdict.passed else ExitCode.FAILED)


def judge(
    file: Annotated[Path, typer.Argument(help="What 'todoctl validate --json' printed.")],
    details: DetailsOption = False,
    as_json: JsonOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Judge a saved history again, with no app around."""
    from todoctl.validation.history import History
    from todoctl.validation.judge.results import judge as come_to_verdict
    from todoctl.validation.reports import files

    for path in (junit, html):
        files.check_writable(path)
    verdict = come_to_verdict(History.from_json(_read(file)))
    terminal = make_terminal(stderr=as_json)
    with terminal.expect([(result.name, 0.0) for result in verdict.scenarios]):
        for result in verdict.scenarios:
            terminal.finished(result)
    _report(verdict, terminal, details=details, as_json=as_json, junit=junit, html=html)
    raise typer.Exit(ExitCode.OK if verdict.passed else ExitCode.FAILED)


def _report(
    verdict: "Verdict",
    terminal: "Terminal",
    *,
    details: bool,
    as_json: bool,
    junit: Path | None,
    html: Path | None,
) -> None:
    import os
    import sys

    from todoctl.validation.reports import files, github

    github.publish(verdict, os.environ, sys.stderr, terminal.note)
    terminal.verdict(verdict, details=details)
    if as_json:
        files.print_json(verdict.to_json())
    files.write(verdict, junit=junit, html=html)


def _read(file: Path) -> object:
    """The history in `file`, alone or within a verdict; raises `BadUsageError`."""
    import json

    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadUsageError(
            f"{file} cannot be read",
            why=str(error),
            fix="Name a file that 'todoctl validate --json' has written",
        ) from None
    return value.get("history", value) if isinstance(value, dict) else value
