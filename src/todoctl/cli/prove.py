"""Commands that prove that what is up behaves as documented."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from todoctl.cli.options import (
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    ShowCommandsOption,
    TargetOption,
    find_home,
    make_terminal,
)
from todoctl.errors import BadUsageError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todoctl.console import Terminal
    from todoctl.course.asked import Asked
    from todoctl.validation.verdict import Verdict

DetailsOption = Annotated[bool, typer.Option("--details", help="Show every check.")]
JunitOption = Annotated[Path | None, typer.Option(help="Write a JUnit XML report there.")]
HtmlOption = Annotated[Path | None, typer.Option(help="Write an HTML report there.")]


def validate(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario", help="Play this one only; may be given several times.", show_default=False
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Keep the deployed TTL and pictures: about 10 minutes at 600 s.")
    ] = False,
    url: Annotated[
        list[str] | None,
        typer.Option("--url", help="Judge the app at this page instead; may be given several times."),
    ] = None,
    ttl: Annotated[
        float | None,
        typer.Option(help="--url: how long a picture should stay, in seconds. [default: 600]"),
    ] = None,
    image: Annotated[str | None, typer.Option(help="--url: the address of the page's picture.")] = None,
    volume: Annotated[
        list[Path] | None, typer.Option("--volume", help="--url: a directory with the app's files.")
    ] = None,
    volume_exec: Annotated[
        list[str] | None,
        typer.Option("--volume-exec", help="--url: a command that lists them, as ls -l does."),
    ] = None,
    restart_command: Annotated[
        list[str] | None, typer.Option("--restart-command", help="--url: a command that restarts the app.")
    ] = None,
    claims: Annotated[
        str | None, typer.Option(help="--url: the claims that count, as in: stays,renews.")
    ] = None,
    details: DetailsOption = False,
    show_commands: ShowCommandsOption = False,
    as_json: JsonOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Prove, scenario by scenario, that what is up behaves as documented; or with --url any app."""
    own = {
        "--target": target,
        "--cluster": cluster,
        "--context": context,
        "--namespace": namespace,
        "--full": full,
        "--scenario": scenario,
        "--show-commands": show_commands,
    }
    others = {
        "--ttl": ttl,
        "--image": image,
        "--volume": volume,
        "--volume-exec": volume_exec,
        "--restart-command": restart_command,
        "--claims": claims,
    }
    for name, value in (own if url else others).items():
        if value is not None and value is not False:
            raise BadUsageError(
                f"{name} does not go with --url" if url else f"{name} goes with --url only",
                fix=f"Leave {name} out",
            )
    if url:
        from todoctl.course.asked import asked

        apps = asked(
            url,
            ttl=600.0 if ttl is None else ttl,
            image=image,
            volumes=volume or (),
            volume_execs=volume_exec or (),
            restarts=restart_command or (),
            claims=claims,
        )
        _validate_others(apps, details=details, as_json=as_json, junit=junit, html=html)
    from todoctl import targets
    from todoctl.mend import mend
    from todoctl.validate import validate as run
    from todoctl.validation.reports import files
    from todoctl.validation.scenarios import chosen

    scenarios = chosen(scenario or [], full=full)
    for path in (junit, html):
        files.check_writable(path)
    home = find_home()
    terminal = make_terminal(stderr=as_json, show_commands=show_commands)
    where = targets.require(home, targets.Choice(target, cluster, context, namespace), terminal.commands)

    def report(verdict: "Verdict") -> None:
        _report([verdict], terminal, details=details, as_json=as_json, junit=junit, html=html)

    with home.lock():
        mend(where, terminal)
        verdict = run(where, terminal, terminal, scenarios, terminal.commands, full=full, report=report)
    raise typer.Exit(ExitCode.OK if verdict.passed else ExitCode.FAILED)


def _validate_others(
    apps: "Sequence[Asked]", *, details: bool, as_json: bool, junit: Path | None, html: Path | None
) -> NoReturn:
    """Judges apps that todoctl knows nothing of."""
    import shlex

    from todoctl.course.validate import validate as watch
    from todoctl.validation.reports import files

    for path in (junit, html):
        files.check_writable(path)
    terminal = make_terminal(stderr=as_json)
    for app in apps:
        for command in filter(None, (app.volume_exec, app.restart)):
            terminal.note(f"For {app.url} this command will be run: {shlex.join(command)}")

    def report(verdicts: "Sequence[Verdict]") -> None:
        _show_results(verdicts, terminal)
        _report(verdicts, terminal, details=details, as_json=as_json, junit=junit, html=html)

    verdicts = watch(apps, terminal, report)
    if all(verdict.broken for verdict in verdicts):
        raise typer.Exit(ExitCode.UNAVAILABLE)
    raise typer.Exit(ExitCode.OK if all(verdict.passed for verdict in verdicts) else ExitCode.FAILED)


def judge(
    file: Annotated[Path, typer.Argument(help="What 'todoctl validate --json' printed.")],
    details: DetailsOption = False,
    as_json: JsonOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Judge a saved history again, with no app around."""
    from todoctl.course.judge import judge as judge_other
    from todoctl.validation.history import History
    from todoctl.validation.judge.results import judge as judge_ours
    from todoctl.validation.reports import files

    for path in (junit, html):
        files.check_writable(path)
    histories = [History.from_json(plain) for plain in _read(file)]
    verdicts: list[Verdict] = [
        judge_other(history) if history.facts.target == "url" else judge_ours(history)
        for history in histories
    ]
    terminal = make_terminal(stderr=as_json)
    _show_results(verdicts, terminal)
    _report(verdicts, terminal, details=details, as_json=as_json, junit=junit, html=html)
    raise typer.Exit(ExitCode.OK if all(verdict.passed for verdict in verdicts) else ExitCode.FAILED)


def _show_results(verdicts: "Sequence[Verdict]", terminal: "Terminal") -> None:
    """One line for each result of each verdict."""
    for verdict in verdicts:
        if len(verdicts) > 1:
            terminal.note(verdict.history.facts.url)
        with terminal.expect([(result.name, 0.0) for result in verdict.scenarios]):
            for result in verdict.scenarios:
                terminal.finished(result)


def _report(
    verdicts: "Sequence[Verdict]",
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

    for verdict in verdicts:
        github.publish(verdict, os.environ, sys.stderr, terminal.note)
        terminal.verdict(verdict, details=details)
    if len(verdicts) > 1:
        terminal.overview(verdicts)
    if as_json:
        told = [verdict.to_json() for verdict in verdicts]
        files.print_json(told[0] if len(told) == 1 else {"apps": told})
    files.write(*verdicts, junit=junit, html=html)


def _read(file: Path) -> list[object]:
    """The histories in `file`, alone or within verdicts; raises `BadUsageError`."""
    import json

    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadUsageError(
            f"{file} cannot be read",
            why=str(error),
            fix="Name a file that 'todoctl validate --json' has written",
        ) from None
    apps = value.get("apps") if isinstance(value, dict) else None
    return [
        one.get("history", one) if isinstance(one, dict) else one
        for one in (apps if isinstance(apps, list) and apps else [value])
    ]
