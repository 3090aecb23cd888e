"""Commands that only look."""

from typing import Annotated

import typer

from todoctl.cli.options import (
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    TargetOption,
    find_home,
    make_terminal,
    show,
    standing,
)
from todoctl.errors import ExitCode
from todoctl.settings import DEFAULT_PORT, check_port


def status(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is up, and what the cache holds."""
    from todoctl.status import status as look
    from todoctl.targets import Choice
    from todoctl.validation.reports.files import print_json

    terminal = make_terminal(stderr=as_json)
    facts = look(standing(Choice(target, cluster, context, namespace), terminal))
    if as_json:
        print_json({name.lower().replace(" ", "_"): value for name, value in facts.items()})
    else:
        terminal.facts(facts)
    raise typer.Exit(ExitCode.OK if facts["Answers"] == "yes" else ExitCode.UNAVAILABLE)


def logs(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Show the app's log."""
    from todoctl.targets import Choice

    where = standing(Choice(target, cluster, context, namespace), make_terminal(stderr=True))
    for line in where.logs(follow=follow, lines=lines):
        typer.echo(line)


def open_page(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Open the page in a browser."""
    from todoctl.target import require_settings
    from todoctl.targets import Choice

    where = standing(Choice(target, cluster, context, namespace), make_terminal())
    show(where.page(require_settings(where)))


def doctor(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    port: Annotated[int, typer.Option(help="The port that `up` will be given.")] = DEFAULT_PORT,
) -> None:
    """Say what this machine has and lacks for each target, and what to do about it."""
    from todoctl.doctor import examine, is_usable
    from todoctl.targets import NAMES, Choice

    check_port(port)
    findings = examine(find_home(), Choice(target, cluster, context, namespace), port=port)
    make_terminal().findings(findings)
    usable = any(is_usable(found) for name, found in findings.items() if name in NAMES)
    raise typer.Exit(ExitCode.OK if usable else ExitCode.UNAVAILABLE)
