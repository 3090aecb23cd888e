"""How an option stands in `--help`, and those that several commands take."""

from typing import Annotated, Any

import typer

WHICH = "Which target"
EVERYWHERE = "On every target"
ON_K3D = "On k3d"
ON_KUBERNETES = "On kubernetes"
REPORTS = "Reports"
OUTPUT = "Output"


def value(group: str, metavar: str, words: str, *names: str, **more: Any) -> Any:  # noqa: ANN401 - Typer's
    """An option with a value, called as its parameter or by `names`; `words` say the default too."""
    return typer.Option(
        *names, metavar=metavar, help=words, show_default=False, rich_help_panel=group, **more
    )


def flag(group: str, words: str, *names: str) -> Any:  # noqa: ANN401 - Typer's
    """An option that is there or not."""
    return typer.Option(*names, help=words, rich_help_panel=group)


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
