"""All commands, and the options of todoctl itself."""

from typing import Annotated

import typer

from todoctl import __version__
from todoctl.cli import doctor, down, image, judge, logs, manifests, open_page, status, up, validate
from todoctl.cli.help import Command, Group, examples

app = typer.Typer(
    cls=Group,
    help="Puts a picture-of-the-moment web app on a local Kubernetes, proves that it behaves, "
    "and takes it away again.\n\n"
    "Exit codes: 0 success, 1 a scenario failed, 2 usage, 3 the machine lacks something or the "
    "target is not up, 4 a scenario could not be judged, 130 interrupted.",
    epilog=examples("""
        todoctl up && todoctl validate --report report.html && todoctl down
        todoctl up --help
    """),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

LIFE, PROVE, LOOK, BUILD = "Bring up and take down", "Prove", "Look", "Build"

for group, function, text in (
    (LIFE, up.up, up.EXAMPLES),
    (LIFE, down.down, down.EXAMPLES),
    (PROVE, validate.validate, validate.EXAMPLES),
    (PROVE, judge.judge, judge.EXAMPLES),
    (LOOK, status.status, status.EXAMPLES),
    (LOOK, logs.logs, logs.EXAMPLES),
):
    app.command(cls=Command, rich_help_panel=group, epilog=text)(function)
app.command("open", cls=Command, rich_help_panel=LOOK, epilog=open_page.EXAMPLES)(open_page.open_page)
app.command(cls=Command, rich_help_panel=LOOK, epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(image.image, name="image", rich_help_panel=BUILD)
app.command(cls=Command, rich_help_panel=BUILD, epilog=manifests.EXAMPLES)(manifests.manifests)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"todoctl {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the traceback of a failure; may stand anywhere.")
    ] = False,
) -> None:
    """Options of todoctl itself."""
