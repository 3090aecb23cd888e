"""All commands, and the options of todoctl itself."""

from collections.abc import Callable
from typing import Annotated

import typer

from todoctl import __version__
from todoctl.cli import doctor, down, image, judge, look, manifests, up, validate
from todoctl.cli.options import (
    ON_K3D,
    ON_KUBERNETES,
    VERBOSE,
    examples,
    options_of,
    set_verbose,
    with_options,
)
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.kubernetes.options import IN_MANIFESTS, NamespaceOptions

app = typer.Typer(
    help="Puts a picture-of-the-moment web app on a local Kubernetes, proves that it behaves, "
    "and takes it away again.\n\n"
    "Exit codes: 0 success, 1 a scenario failed, 2 usage, 3 the machine lacks something or the "
    "target is not up, 4 a scenario could not be judged, 130 interrupted.",
    epilog=examples("""
        todoctl up && todoctl validate --report report.html && todoctl down
        todoctl up --help
    """),
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

LIFE, PROVE, LOOK, BUILD = "Bring up and take down", "Prove", "Look", "Build"

COMMANDS: tuple[tuple[str, str, Callable[..., None], str], ...] = (
    ("up", LIFE, up.up, up.EXAMPLES),
    ("down", LIFE, down.down, down.EXAMPLES),
    ("validate", PROVE, validate.validate, validate.EXAMPLES),
    ("judge", PROVE, judge.judge, judge.EXAMPLES),
    ("status", LOOK, look.status, look.STATUS),
    ("logs", LOOK, look.logs, look.LOGS),
    ("open", LOOK, look.open_page, look.OPEN),
    ("doctor", LOOK, doctor.doctor, doctor.EXAMPLES),
    ("manifests", BUILD, manifests.manifests, manifests.EXAMPLES),
)

OF_TARGETS = {
    "up": [*options_of(ClusterOptions, ON_K3D), *options_of(NamespaceOptions, ON_KUBERNETES)],
    "manifests": [
        *options_of(ClusterOptions, ON_K3D, "cluster", "agents"),
        *options_of(NamespaceOptions, ON_KUBERNETES, *IN_MANIFESTS),
    ],
}
"""The options that are declared by the targets; of two with one name the first is shown."""

for name, panel, function, text in COMMANDS:
    app.command(
        name,
        cls=validate.ValidateCommand if name == "validate" else None,
        short_help=(function.__doc__ or "").partition("\n")[0],
        rich_help_panel=panel,
        epilog=text,
    )(with_options(function, *OF_TARGETS.get(name, ())))
for name, function, text in image.COMMANDS:
    image.image.command(name, epilog=text)(with_options(function))
app.add_typer(image.image, name="image", rich_help_panel=BUILD)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"todoctl {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    show_traceback: Annotated[
        bool, typer.Option("--verbose", help=VERBOSE, callback=set_verbose, is_eager=True)
    ] = False,
) -> None:
    """Options of todoctl itself."""
