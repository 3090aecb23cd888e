"""All commands, and the options of todoctl itself."""

from typing import Annotated

import typer

from todoctl import __version__
from todoctl.cli.build import image, manifests
from todoctl.cli.lifecycle import down, up
from todoctl.cli.look import doctor, logs, open_page, status
from todoctl.cli.prove import judge, validate

app = typer.Typer(
    help="Puts a picture-of-the-moment web app on a local Kubernetes, proves that it behaves, "
    "and takes it away again.",
    epilog="Exit codes: 0 well, 1 a scenario did not pass, 2 usage, 3 the machine lacks something or the "
    "target is not up, 130 interrupted.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
app.command()(up)
app.command()(validate)
app.command()(judge)
app.command()(down)
app.command()(status)
app.command()(logs)
app.command("open")(open_page)
app.command()(doctor)
app.add_typer(image, name="image")
app.command()(manifests)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"todoctl {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the traceback of a failure.")] = False,
) -> None:
    """Options of todoctl itself."""
