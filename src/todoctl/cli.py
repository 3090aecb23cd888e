"""The command line: parses, hands over, prints. What is heavy is imported by the command that uses it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todoctl import __version__
from todoctl.cluster_cli import image, manifests
from todoctl.errors import ExitCode, LockedError
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_PORT, DEFAULT_TTL, Settings, check_port, seconds

if TYPE_CHECKING:
    from todoctl.console import Terminal
    from todoctl.home import Home
    from todoctl.target import Target

app = typer.Typer(
    help="Puts a picture-of-the-moment web app on a local Kubernetes, proves that it behaves, "
    "and takes it away again.",
    epilog="Exit codes: 0 well, 1 a scenario failed, 2 usage, 3 the machine lacks something or the "
    "target is not up, 130 interrupted.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
app.add_typer(image, name="image")
app.command()(manifests)

TargetOption = Annotated[
    str | None, typer.Option("--target", help="Where the app runs: k3d or local.", show_default=False)
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", help="k3d: the cluster's name. [default: k3s-default]", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")]


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


@app.command()
def up(
    target: TargetOption = None,
    port: Annotated[int, typer.Option(help="The page's port on this machine.")] = DEFAULT_PORT,
    ttl: Annotated[float, typer.Option(help="Seconds a picture stays valid.")] = DEFAULT_TTL,
    image_url: Annotated[
        str | None,
        typer.Option(
            help=f"Where pictures come from; 'sample:' for bundled ones. [default: {DEFAULT_IMAGE_URL}]",
            show_default=False,
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    cluster: ClusterOption = None,
    agents: Annotated[
        int | None, typer.Option(help="k3d: number of agent nodes. [default: 2]", show_default=False)
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(help="k3d: address the port is bound to. [default: 127.0.0.1]", show_default=False),
    ] = None,
    base_image: Annotated[
        str | None, typer.Option(help="k3d: Python image to build the app's image on.")
    ] = None,
    k3s_image: Annotated[str | None, typer.Option(help="k3d: image of the nodes.")] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="k3d: use a cluster that todoctl did not make.")
    ] = False,
    keep_context: Annotated[
        bool, typer.Option("--keep-context", help="k3d: leave kubectl's current context as it is.")
    ] = False,
) -> None:
    """Bring the app up; run again, it changes only what differs."""
    from todoctl import targets
    from todoctl.up import up as bring_up
    from todoctl.validate import mend

    # Before anything slow: a bad value is told at once.
    wanted = Settings(port=port, ttl=ttl, image_url=DEFAULT_IMAGE_URL if image_url is None else image_url)
    choice = targets.Choice(target, cluster)
    terminal = _terminal()
    home = _home()
    name = choice.named or targets.default(terminal)
    given = {
        "cluster": cluster,
        "agents": agents,
        "listen": listen,
        "base_image": base_image,
        "k3s_image": k3s_image,
        "adopt": adopt or None,
        "switch_context": False if keep_context else None,
    }
    options = targets.cluster_options(name, {key: value for key, value in given.items() if value is not None})
    with home.lock():
        where = targets.make(name, home, options)
        mend(where, terminal)
        try:
            settings, changed = bring_up(where, terminal, wanted, any_source=image_url is None)
        finally:
            home.forget()
    if not changed:
        terminal.note("Already up as asked; nothing changed.")
    terminal.note(
        f"The page is at {settings.url}  (target {name}, pictures from {settings.image_url}, "
        f"valid for {seconds(settings.ttl)} s)"
    )
    terminal.note("Next: todoctl validate, todoctl open, todoctl status, todoctl down")
    if open_browser:
        _open(settings.url)


@app.command()
def validate(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Keep the deployed TTL: about 10 minutes at 600 s.")
    ] = False,
    as_json: JsonOption = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML report there.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write an HTML report there.")] = None,
) -> None:
    """Prove, scenario by scenario, that what is up behaves as documented."""
    from todoctl import outcome, targets
    from todoctl.validate import mend
    from todoctl.validate import validate as run

    for path in (junit, html):
        outcome.check_writable(path)
    home = _home()
    terminal = _terminal(stderr=as_json)
    where = targets.require(home, targets.Choice(target, cluster))
    with home.lock():
        mend(where, terminal)
        verdict = run(where, terminal, terminal, full=full)
    outcome.report(verdict, junit=junit, html=html)
    terminal.verdict(verdict)
    if as_json:
        outcome.print_json(verdict.to_json())
    raise typer.Exit(ExitCode.OK if verdict.passed else ExitCode.FAILED)


@app.command()
def down(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the volume with picture and counts.")
    ] = False,
    keep_cluster: Annotated[
        bool, typer.Option("--keep-cluster", help="k3d: keep the cluster, remove the app.")
    ] = False,
) -> None:
    """Take away all that `up` made. Twice is fine."""
    from todoctl import targets
    from todoctl.validate import mend

    terminal = _terminal()
    home = _home()
    choice = targets.Choice(target, cluster)
    where = targets.find(home, choice, keep_cluster=keep_cluster) or targets.find(
        home, choice, keep_cluster=keep_cluster, leftovers=True
    )
    if where is None:
        home.forget()
        terminal.note("Nothing is up; nothing to take away.")
        return
    with home.lock():
        mend(where, terminal)
        changed = where.down(terminal, keep_data=keep_data)
    home.forget()
    terminal.note("Taken away." if changed else "Nothing was up; nothing to take away.")


@app.command()
def status(target: TargetOption = None, cluster: ClusterOption = None, as_json: JsonOption = False) -> None:
    """Show what is up, and what the cache holds."""
    from todoctl import outcome
    from todoctl.status import status as look

    terminal = _terminal(stderr=as_json)
    facts = look(_standing(target, cluster, terminal))
    if as_json:
        outcome.print_json({name.lower().replace(" ", "_"): value for name, value in facts.items()})
    else:
        terminal.facts(facts)
    raise typer.Exit(ExitCode.OK if facts["Answers"] == "yes" else ExitCode.UNAVAILABLE)


@app.command()
def logs(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Show the app's log."""
    where = _standing(target, cluster, _terminal(stderr=True))
    for line in where.logs(follow=follow, lines=lines):
        typer.echo(line)


@app.command("open")
def open_page(target: TargetOption = None, cluster: ClusterOption = None) -> None:
    """Open the page in a browser."""
    from todoctl.validate import require_settings

    _open(require_settings(_standing(target, cluster, _terminal())).url)


@app.command()
def doctor(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    port: Annotated[int, typer.Option(help="The port that `up` will be given.")] = DEFAULT_PORT,
) -> None:
    """Say what this machine has and lacks for each target, and what to do about it."""
    from todoctl import targets
    from todoctl.doctor import examine, is_usable

    check_port(port)
    chosen = targets.Choice(target, cluster).named
    names = (chosen,) if chosen else targets.NAMES
    terminal = _terminal()
    findings = examine(_home(), names, port=port, cluster=cluster)
    terminal.findings(findings)
    usable = [name for name in names if is_usable(findings[name])]
    raise typer.Exit(ExitCode.OK if usable else ExitCode.UNAVAILABLE)


def _home() -> "Home":
    from todoctl.home import Home

    return Home()


def _terminal(*, stderr: bool = False) -> "Terminal":
    from todoctl.console import Terminal

    return Terminal(stderr=stderr)


def _standing(name: str | None, cluster: str | None, terminal: "Terminal") -> "Target":
    """What is up, for a command that only looks; first mends what a killed validation has left."""
    from todoctl import targets
    from todoctl.validate import is_under_way, mend

    home = _home()
    target = targets.require(home, targets.Choice(name, cluster))
    if is_under_way(target):
        try:
            with home.lock():
                mend(target, terminal)
        except LockedError:
            terminal.note("A validation is under way: this is the app it plays on, not yet the deployed one.")
    return target


def _open(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        typer.echo(f"No browser could be opened here; the page is at {url}")
