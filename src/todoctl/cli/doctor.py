"""`todoctl doctor`."""

from typing import Annotated

import typer

from todoctl.cli.help import examples
from todoctl.cli.options import (
    WHICH,
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    value,
)
from todoctl.cli.output import make_terminal, print_json
from todoctl.cli.place import find_home
from todoctl.errors import ExitCode
from todoctl.settings import DEFAULT_PORT, check_port

EXAMPLES = examples("""
    # For a cluster or a process of your own
    todoctl doctor

    # For a namespace of a cluster that exists already
    todoctl doctor --context school --namespace me
""")


def doctor(
    target: Annotated[
        str | None, value(WHICH, "NAME", "k3d, local or kubernetes. [default: k3d and local]")
    ] = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    port: Annotated[
        int, value(WHICH, "PORT", f"The port that up will be given. [default: {DEFAULT_PORT}]")
    ] = DEFAULT_PORT,
    as_json: JsonOption = False,
) -> None:
    """Say what this machine lacks for each target, and what to do."""
    from todoctl.doctor import examine
    from todoctl.targets import Choice

    check_port(port)
    found = examine(find_home(), Choice(target, cluster, context, namespace), port=port)
    if as_json:
        print_json(found.to_json())
    else:
        make_terminal().findings({**found.targets, "pictures": found.pictures})
    raise typer.Exit(ExitCode.OK if found.usable else ExitCode.UNAVAILABLE)
