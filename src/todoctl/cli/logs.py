"""`todoctl logs`."""

from typing import Annotated

import typer

from todoctl.cli.options import (
    OUTPUT,
    ClusterOption,
    ContextOption,
    NamespaceOption,
    TargetOption,
    examples,
    find_deployment,
    flag,
    value,
)

EXAMPLES = examples("""
    todoctl logs

    # The last ten lines, and all that come
    todoctl logs -n 10 -f
""")


def logs(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    follow: Annotated[bool, flag(OUTPUT, "Go on with new lines.", "--follow", "-f")] = False,
    lines: Annotated[
        int, value(OUTPUT, "NUMBER", "How many of the last lines. [default: 100]", "--lines", "-n", min=0)
    ] = 100,
) -> None:
    """Show the app's log; where several pods run, that of the newest one."""
    from todoctl.targets import Choice
    from todoctl.terminal import Terminal

    terminal = Terminal(stderr=True)
    where = find_deployment(Choice(target, cluster, context, namespace), terminal)
    if (number := len(where.instances())) > 1:
        terminal.note(f"{number} run the app; this is the log of the newest one.")
    for line in where.logs(follow=follow, lines=lines):
        typer.echo(line)
