"""Options, each declared once, and what several commands share."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
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
OUTPUT = "Output"


def value(panel: str, metavar: str, words: str, *names: str, **more: Any) -> Any:  # noqa: ANN401 - Typer's
    """Returns an option with a value, called as its parameter or by `names`; `words` say the default too."""
    text = words.replace("[", r"\[")  # no markup
    return typer.Option(*names, metavar=metavar, help=text, show_default=False, rich_help_panel=panel, **more)


def flag(panel: str, words: str, *names: str) -> Any:  # noqa: ANN401 - Typer's
    """Returns an option without a value, called by `names`."""
    return typer.Option(*names, help=words, rich_help_panel=panel)


def option(panel: str, metavar: str, words: str, *names: str, default: Any = None) -> Any:  # noqa: ANN401
    """Returns a dataclass's field that is an option, of its type; called as the field or by `names`."""
    return field(
        default=default, metadata={"panel": panel, "metavar": metavar, "help": words, "names": names}
    )


def examples(text: str) -> str:
    """Returns lines to copy, for a command's `epilog`; after a backspace Typer keeps them apart."""
    return "\b\n" + dedent(text).strip("\n")


verbose = Event()
"""Whether the user wants to see the traceback of a failure."""

VERBOSE = "Show the traceback of a failure."


def set_verbose(asked: bool) -> None:
    if asked:
        verbose.set()


def options_of(kind: type["DataclassInstance"], panel: str = "", *names: str) -> list[Parameter]:
    """Returns an option for each field of a dataclass that has a help, or for those with `names`.

    The value of one that is not given is None, whatever the field's default is.
    """
    types = get_type_hints(kind)
    found = []
    for one in fields(kind):
        given = one.metadata
        if "help" not in given or (names and one.name not in names):
            continue
        type_, group = types[one.name], given.get("panel", panel)
        called = given.get("names") or (f"--{one.name.replace('_', '-')}",)
        is_flag = type_ is bool
        made = (
            flag(group, given["help"], *called)
            if is_flag
            else value(group, given["metavar"], given["help"], *called)
        )
        type_ = list[str] if get_origin(type_) is tuple else type_
        annotation = Annotated[type_ | None, made]  # type: ignore[valid-type]
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
    """Returns the command that Typer reads: a parameter of a dataclass's type stands for its fields' options.

    `added` are handed on by keyword. Each command has --verbose, which people add to what has just failed.
    """
    groups: dict[str, type[DataclassInstance]] = {}
    found: list[Parameter] = []
    for one in signature(function, eval_str=True).parameters.values():
        kind = one.annotation
        if isinstance(kind, type) and is_dataclass(kind):
            groups[one.name] = kind
            found += options_of(kind)
        elif one.kind is not Parameter.VAR_KEYWORD:
            found.append(one.replace(kind=Parameter.KEYWORD_ONLY))

    def run(*, verbose: bool, **given: Any) -> None:  # noqa: ANN401, ARG001 - its callback has been called
        for name, kind in groups.items():
            values = {one.name: given.pop(one.name) for one in fields(kind) if "help" in one.metadata}
            given[name] = kind(**{name: value for name, value in values.items() if value is not None})
        function(**given)

    option = typer.Option("--verbose", help=VERBOSE, callback=set_verbose, rich_help_panel=OUTPUT)
    last = Parameter("verbose", Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option])
    once: dict[str, Parameter] = {}
    for one in (*found, *added, last):
        once.setdefault(one.name, one)
    ordered = sorted(once.values(), key=lambda one: _panel(one) == OUTPUT)
    run.__signature__ = Signature(ordered)  # type: ignore[attr-defined] # what Typer reads
    run.__annotations__ = {one.name: one.annotation for one in ordered}
    run.__doc__ = function.__doc__
    return run


def _panel(parameter: Parameter) -> str | None:
    panel: str | None = parameter.annotation.__metadata__[0].rich_help_panel
    return panel


JsonOption = Annotated[bool, flag(OUTPUT, "One JSON document on standard output.", "--json")]
ShowCommandsOption = Annotated[bool, flag(OUTPUT, "Show what does the same by hand.", "--show-commands")]


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which of the deployments that there may be a command is about."""

    target: str | None = option(WHICH, "NAME", "k3d, local or kubernetes.")
    cluster: str | None = option(WHICH, "NAME", "The cluster's name, on k3d.")
    context: str | None = option(WHICH, "NAME", "The kubeconfig's context, on kubernetes.")
    namespace: str | None = option(WHICH, "NAME", "The namespace, on kubernetes.")

    def choice(self) -> "Choice":
        """Raises `BadUsageError` if these do not go together."""
        from todoctl.targets import Choice

        return Choice(self.target, self.cluster, self.context, self.namespace)


def find_deployment(which: Which, terminal: "Terminal") -> "Target":
    """Returns what is up, for a command that only looks; says so if a validation has changed it."""
    from todoctl import targets
    from todoctl.state import Home

    target = targets.require(Home(), which.choice())
    with suppress(TodoctlError):  # what is wrong is said when the target is looked at
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
