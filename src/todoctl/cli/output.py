"""Where a command's words go: progress on the terminal, one JSON document on standard output, a browser."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from todoctl.console import Terminal


def make_terminal(*, stderr: bool = False, show_commands: bool = False, quiet: bool = False) -> "Terminal":
    """On standard error where standard output is a document's or a log's alone."""
    from todoctl.console import Terminal

    return Terminal(stderr=stderr, show_commands=show_commands, quiet=quiet)


def print_json(value: dict[str, Any]) -> None:
    """One JSON document on standard output, and nothing else; docs/json.md says what is in it."""
    import json
    import sys

    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")


def show(url: str) -> None:
    """Opens the page in a browser; the words go to standard error, where they spoil no document."""
    import webbrowser

    if not webbrowser.open(url):
        typer.echo(f"No browser could be opened here; the page is at {url}", err=True)
