"""`todoctl down`."""

from typing import Annotated

from todoctl.cli.options import (
    OUTPUT,
    JsonOption,
    ShowCommandsOption,
    Which,
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
    which: Which,
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
    target = targets.find(home, which.choice(), keep_cluster=keep_cluster)
    changed = False
    if target is None:
        terminal.note("Nothing is up; nothing to remove.")
        home.tidy()
    else:
        with home.lock():
            changed = target.down(terminal, keep_data=keep_data)
        terminal.note("Removed." if changed else "Nothing was up; nothing to remove.")
    if as_json:
        name = target.traits.name if target else None
        print_json({"target": name, "changed": changed, "data_kept": keep_data and target is not None})
