"""`todoctl down`."""

from typing import Annotated

from todoctl.cli.options import (
    OUTPUT,
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    ShowCommandsOption,
    TargetOption,
    examples,
    flag,
    print_json,
)

KEPT = "What is kept"

EXAMPLES = examples("""
    # All of it, the volume too
    todoctl down

    # The next 'up' shows the same picture and goes on counting
    todoctl down --keep-data
""")


def down(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    keep_data: Annotated[bool, flag(KEPT, "Keep the volume with picture and counts.", "--keep-data")] = False,
    keep_cluster: Annotated[bool, flag(KEPT, "Keep the cluster, on k3d.", "--keep-cluster")] = False,
    show_commands: ShowCommandsOption = False,
    quiet: Annotated[bool, flag(OUTPUT, "Print nothing.", "--quiet", "-q")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take away all that up has made; twice is fine."""
    from todoctl import targets
    from todoctl.state import Home
    from todoctl.terminal import Terminal

    terminal = Terminal(stderr=as_json, show_commands=show_commands, quiet=quiet)
    home = Home()
    choice = targets.Choice(target, cluster, context, namespace)
    where = targets.find(home, choice, keep_cluster=keep_cluster)
    changed = False
    if where is None:
        terminal.note("Nothing is up; nothing to remove.")
        home.tidy()
    else:
        with home.lock():
            changed = where.down(terminal, keep_data=keep_data)
        terminal.note("Removed." if changed else "Nothing was up; nothing to remove.")
    if as_json:
        print_json(
            {
                "target": where.traits.name if where else None,
                "changed": changed,
                "data_kept": keep_data and where is not None,
            }
        )
