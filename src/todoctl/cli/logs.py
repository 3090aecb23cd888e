"""`todoctl logs`."""

from typing import Annotated

import typer

from todoctl.cli.help import examples
from todoctl.cli.options import (
    OUTPUT,
    ClusterOption,
    ContextOption,
    NamespaceOption,
    TargetOption,
    flag,
    value,
)
from todoctl.cli.output import make_terminal
from todoctl.cli.place import standing

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
    """Show the app's log."""
    from todoctl.targets import Choice

    where = standing(Choice(target, cluster, context, namespace), make_terminal(stderr=True))
    for line in where.logs(follow=follow, lines=lines):
        typer.echo(line)
