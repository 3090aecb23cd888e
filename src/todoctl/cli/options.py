"""The options that several commands take, and what these commands share."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from inspect import Parameter, Signature, signature
from textwrap import dedent
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, get_origin, get_type_hints

import typer

from todoctl.errors import TodoctlError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from todoctl.targets import Choice
    from todoctl.targets.base import Target
    from todoctl.terminal import Terminal

WHICH = "Which target"
EVERYWHERE = "On every target"
ON_K3D = "On k3d"
ON_KUBERNETES = "On kubernetes"
REPORTS = "Reports"
OUTPUT = "Output"


def value(group: str, metavar: str, words: str, *names: str, **more: Any) -> Any:  # noqa: ANN401 - Typer's
    """Returns an option with a value, called as its parameter or by `names`; `words` say the default too."""
    text = words.replace("[", r"\[")  # no markup
    return typer.Option(*names, metavar=metavar, help=text, show_default=False, rich_help_panel=group, **more)


def flag(group: str, words: str, *names: str) -> Any:  # noqa: ANN401 - Typer's
    """Returns an option without a value, called by `names`."""
    return typer.Option(*names, help=words, rich_help_panel=group)


def examples(text: str) -> str:
    """Returns lines to copy, for a command's `epilog`; after a backspace Typer keeps them apart."""
    return "\b\n" + dedent(text).strip("\n")


verbose = Event()
"""Whether the user wants to see the traceback of a failure."""

VERBOSE = "Show the traceback of a failure."


def set_verbose(asked: bool) -> None:
    if asked:
        verbose.set()


def options_of(panel: str, kind: type["DataclassInstance"], *names: str) -> list[Parameter]:
    """Returns an option for each field of a dataclass that has a help, or for those with `names`.

    The value of one that is not given is None, whatever the field's default is.
    """
    types = get_type_hints(kind)
    found = []
    for one in fields(kind):
        if "help" not in one.metadata or (names and one.name not in names):
            continue
        name, words, metavar = (
            f"--{one.name.replace('_', '-')}",
            one.metadata["help"],
            one.metadata["metavar"],
        )
        is_list = get_origin(types[one.name]) is tuple
        option = flag(panel, words, name) if types[one.name] is bool else value(panel, metavar, words, name)
        annotation = Annotated[(list[str] if is_list else types[one.name]) | None, option]  # type: ignore[valid-type]
        found.append(Parameter(one.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    return found


def stated(kind: type["DataclassInstance"], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what was given of the dataclass's fields."""
    values = {one.name: given.get(one.name) for one in fields(kind)}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None and value is not False and value != []
    }


Command = Callable[..., None]


def with_options(function: Command, *added: Parameter) -> Command:
    """Returns a command that takes `added`, which it hands on by keyword, and --verbose.

    People add --verbose to the command that has just failed, not to `todoctl`.
    """

    def run(*, verbose: bool, **given: Any) -> None:  # noqa: ANN401, ARG001 - its callback has been called
        function(**given)

    option = typer.Option("--verbose", help=VERBOSE, callback=set_verbose, rich_help_panel=OUTPUT)
    last = Parameter("verbose", Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option])
    all_of_them: dict[str, Parameter] = {}
    for one in (*signature(function, eval_str=True).parameters.values(), *added, last):
        if one.kind is not Parameter.VAR_KEYWORD:
            all_of_them.setdefault(one.name, one.replace(kind=Parameter.KEYWORD_ONLY))
    ordered = sorted(all_of_them.values(), key=lambda one: _panel(one) == OUTPUT)
    run.__signature__ = Signature(ordered)  # type: ignore[attr-defined] # what Typer reads
    run.__annotations__ = {name: one.annotation for name, one in all_of_them.items()}
    run.__doc__ = function.__doc__
    return run


def _panel(parameter: Parameter) -> str | None:
    panel: str | None = parameter.annotation.__metadata__[0].rich_help_panel
    return panel


TargetOption = Annotated[
    str | None, value(WHICH, "NAME", "k3d, local or kubernetes. [default: what is up]", "--target")
]
ClusterOption = Annotated[str | None, value(WHICH, "NAME", "The cluster's name, on k3d.", "--cluster")]
ContextOption = Annotated[
    str | None, value(WHICH, "NAME", "The kubeconfig's context, on kubernetes.", "--context")
]
NamespaceOption = Annotated[str | None, value(WHICH, "NAME", "The namespace, on kubernetes.", "--namespace")]

JsonOption = Annotated[bool, flag(OUTPUT, "One JSON document on standard output.", "--json")]
ShowCommandsOption = Annotated[bool, flag(OUTPUT, "Show what does the same by hand.", "--show-commands")]


def find_deployment(choice: "Choice", terminal: "Terminal") -> "Target":
    """Returns what is up, for a command that only looks; says so if a validation has changed it."""
    from todoctl import targets
    from todoctl.state import Home

    target = targets.require(Home(), choice)
    with suppress(TodoctlError):  # why it cannot be told is said when the target is looked at
        if target.marker.exists():
            terminal.note(
                "A validation was interrupted, or is under way: 'todoctl up' puts the deployed app back."
            )
    return target


def print_json(document: dict[str, Any]) -> None:
    """Writes one JSON document to standard output; docs/json.md says what is in it."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def open_in_browser(url: str) -> None:
    """Opens the page in a browser, or says on standard error that there is none."""
    import webbrowser

    if not webbrowser.open(url):
        typer.echo(f"No browser could be opened here; the page is at {url}", err=True)
