"""Commands that only look."""

from typing import Annotated

import typer

from todoctl.cli.options import (
    ClusterOption,
    JsonOption,
    TargetOption,
    find_home,
    make_terminal,
    show,
    standing,
)
from todoctl.errors import ExitCode
from todoctl.settings import DEFAULT_PORT, check_port


def status(target: TargetOption = None, cluster: ClusterOption = None, as_json: JsonOption = False) -> None:
    """Show what is up, and what the cache holds."""
    from todoctl.status import status as look
    from todoctl.validation.reports.files import print_json

    terminal = make_terminal(stderr=as_json)
    facts = look(standing(target, cluster, terminal))
    if as_json:
        print_json({name.lower().replace(" ", "_"): value for name, value in facts.items()})
    else:
        terminal.facts(facts)
    raise typer.Exit(ExitCode.OK if facts["Answers"] == "yes" else ExitCode.UNAVAILABLE)


def logs(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Show the app's log."""
    where = standing(target, cluster, make_terminal(stderr=True))
    for line in where.logs(follow=follow, lines=lines):
        typer.echo(line)


def open_page(target: TargetOption = None, cluster: ClusterOption = None) -> None:
    """Open the page in a browser."""
    from todoctl.target import require_settings

    show(require_settings(standing(target, cluster, make_terminal())).url)


def doctor(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    port: Annotated[int, typer.Option(help="The port that `up` will be given.")] = DEFAULT_PORT,
) -> None:
    """Say what this machine has and lacks for each target, and what to do about it."""
    from todoctl import targets
    from todoctl.doctor import examine, is_usable

    check_port(port)
    chosen = targets.Choice(target, cluster).named
    names = (chosen,) if chosen else targets.NAMES
    terminal = make_terminal()
    findings = examine(find_home(), names, port=port, cluster=cluster)
    terminal.findings(findings)
    usable = [name for name in names if is_usable(findings[name])]
    raise typer.Exit(ExitCode.OK if usable else ExitCode.UNAVAILABLE)
