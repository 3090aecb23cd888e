"""What several commands take: options, todoctl's home, the terminal."""

from typing import TYPE_CHECKING, Annotated

import typer

from todoctl.errors import LockedError

if TYPE_CHECKING:
    from todoctl.console import Terminal
    from todoctl.home import Home
    from todoctl.target import Target
    from todoctl.targets import Choice

TargetOption = Annotated[
    str | None,
    typer.Option("--target", help="Where the app runs: k3d, local or kubernetes.", show_default=False),
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", help="k3d: the cluster's name. [default: k3s-default]", show_default=False),
]
ContextOption = Annotated[
    str | None,
    typer.Option("--context", help="kubernetes: the context of your kubeconfig.", show_default=False),
]
NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", help="kubernetes: the namespace. [default: default]", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")]

ShowCommandsOption = Annotated[
    bool, typer.Option("--show-commands", help="Show the commands that do the same by hand.")
]


def find_home() -> "Home":
    from todoctl.home import Home

    return Home()


def make_terminal(*, stderr: bool = False, show_commands: bool = False) -> "Terminal":
    from todoctl.console import Terminal

    return Terminal(stderr=stderr, show_commands=show_commands)


def standing(choice: "Choice", terminal: "Terminal") -> "Target":
    """What is up, for a command that only looks; first mends what a killed validation has left."""
    from todoctl import targets
    from todoctl.mend import mend

    home = find_home()
    target = targets.require(home, choice)
    if target.record.exists():
        try:
            with home.lock():
                mend(target, terminal)
        except LockedError:
            terminal.note("A validation is under way: this is the app it plays on, not yet the deployed one.")
    return target


def show(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        typer.echo(f"No browser could be opened here; the page is at {url}")
