"""`todoctl image`: the app's container image."""

from typing import Annotated

import typer

from todoctl.cli.options import OUTPUT, JsonOption, examples, flag, print_json, value
from todoctl.errors import BadUsageError
from todoctl.settings import check_image

image = typer.Typer(
    help="Build and push the app's container image.",
    no_args_is_help=True,
    epilog=examples("""
        todoctl image build registry.example.org/me/todo-app:1
        todoctl image push registry.example.org/me/todo-app:1
    """),
)

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF", help="The image's name and tag, such as me/todo-app:1.12.", callback=check_image
    ),
]


def build(
    reference: Reference,
    base_image: Annotated[
        str | None, value("What it is built of", "REF", "The Python image to build on.")
    ] = None,
    quiet: Annotated[bool, flag(OUTPUT, "Print the image's ID alone.", "--quiet", "-q")] = False,
    as_json: JsonOption = False,
) -> None:
    """Build the app's image under a name of your own."""
    from todoctl.images.build import build as run
    from todoctl.terminal import Terminal

    made = run(reference, base_image, Terminal(stderr=as_json, quiet=quiet))
    if as_json:
        print_json({"reference": reference, "id": made})
    elif quiet:
        typer.echo(made)


def context() -> None:
    """Write what it is built from, as a tar archive for docker build."""
    import sys

    from todoctl.images.build import build_context

    if sys.stdout.isatty():
        raise BadUsageError(
            "A tar archive is not written to a terminal", fix="Pipe it on: todoctl image context | tar --list"
        )
    sys.stdout.buffer.write(build_context().getvalue())


def push(
    reference: Reference,
    quiet: Annotated[bool, flag(OUTPUT, "Print its name by digest alone.", "--quiet", "-q")] = False,
    as_json: JsonOption = False,
) -> None:
    """Push an image that was built here to its registry."""
    from todoctl.images.build import push as run
    from todoctl.terminal import Terminal

    pinned = run(reference, Terminal(stderr=as_json, quiet=quiet))
    if as_json:
        print_json({"reference": reference, "pinned": pinned})
    elif quiet:
        typer.echo(pinned)


COMMANDS = (
    (
        "build",
        build,
        examples("""
            todoctl image build me/todo-app:1.12

            # Without a registry, on a Python image that Docker has
            todoctl image build me/todo-app:1.12 --base-image python:3.13-slim
        """),
    ),
    (
        "context",
        context,
        examples("""
            # What is in it
            todoctl image context | tar --list

            # Build it by hand
            todoctl image context | docker build --tag me/todo-app:1.12 -
        """),
    ),
    (
        "push",
        push,
        examples("""
            todoctl image push registry.example.org/me/todo-app:1

            # As what cannot change any more: NAME@sha256:...
            todoctl up --context school \\
              --app-image "$(todoctl image push -q me/todo-app:1)"
        """),
    ),
)
