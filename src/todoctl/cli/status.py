"""`todoctl status`."""

import typer

from todoctl.cli.help import examples
from todoctl.cli.options import ClusterOption, ContextOption, JsonOption, NamespaceOption, TargetOption
from todoctl.cli.output import make_terminal, print_json
from todoctl.cli.place import standing
from todoctl.errors import ExitCode

EXAMPLES = examples("""
    todoctl status

    # For a script; the exit code is 0 where the app answers, else 3
    todoctl status --json | jq .cache.access_count
""")


def status(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is up, and what its cache holds."""
    from todoctl.status import status as look
    from todoctl.targets import Choice

    terminal = make_terminal(stderr=as_json)
    found = look(standing(Choice(target, cluster, context, namespace), terminal))
    if as_json:
        print_json(found.to_json())
    else:
        terminal.facts(found.facts())
    raise typer.Exit(ExitCode.OK if found.answers else ExitCode.UNAVAILABLE)
