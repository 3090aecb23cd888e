"""`todoctl validate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from todoctl.cli.options import (
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    TargetOption,
    examples,
    flag,
    value,
)
from todoctl.cli.verdict import (
    DetailsOption,
    HtmlOption,
    JunitOption,
    QuietOption,
    ReportOption,
    show_results,
    wanted,
)
from todoctl.cli.verdict import report as show
from todoctl.errors import BadUsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todoctl.course.run import App
    from todoctl.evidence.verdict import Verdict

PLAYED = "What is played"
OTHER = "Any other app, judged from outside"

EXAMPLES = examples("""
    todoctl validate

    # Two scenarios of it, and a report for people
    todoctl validate --scenario grace --scenario renew --report report.html

    # An app that todoctl did not bring up: ten minutes, with a countdown
    todoctl validate --url http://localhost:8081

    # In a CI system: what failed, the verdict, the evidence
    todoctl validate --quiet --report junit.xml
""")


def validate(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    scenario: Annotated[
        list[str] | None, value(PLAYED, "NAME", "Play this scenario only; may be repeated.")
    ] = None,
    full: Annotated[bool, flag(PLAYED, "Keep the deployed TTL and pictures: ten minutes.", "--full")] = False,
    url: Annotated[
        list[str] | None, value(OTHER, "URL", "Judge the app at this page; may be repeated.")
    ] = None,
    ttl: Annotated[
        float | None, value(OTHER, "SECONDS", "How long a picture should stay. [default: 600]")
    ] = None,
    image: Annotated[str | None, value(OTHER, "PATH", "The address of the page's picture.")] = None,
    volume: Annotated[list[Path] | None, value(OTHER, "DIR", "The directory with the app's files.")] = None,
    volume_exec: Annotated[
        list[str] | None, value(OTHER, "COMMAND", "A command that lists them, as ls -l does.")
    ] = None,
    restart_command: Annotated[
        list[str] | None, value(OTHER, "COMMAND", "A command that restarts the app.")
    ] = None,
    claims: Annotated[str | None, value(OTHER, "NAMES", "The claims that count, as in stays,renews.")] = None,
    no_sandbox: Annotated[
        bool, flag(OTHER, "Let the browser run without its sandbox, as root needs it.", "--no-sandbox")
    ] = False,
    report: ReportOption = None,
    junit: JunitOption = None,
    html: HtmlOption = None,
    details: DetailsOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Prove that what is up behaves as documented.

    Scenarios: deployed, mount, fresh, page, valid, grace, renew, restart, crash, files, detached, crowd,
    together, outage. Your picture and counts are set aside meanwhile, and put back.

    With --url any app of the course is judged, claim by claim: shown, stays, grace, renews, restart, crash,
    counts, times, files.
    """
    own = {
        "--target": target,
        "--cluster": cluster,
        "--context": context,
        "--namespace": namespace,
        "--full": full,
        "--scenario": scenario,
    }
    others = {
        "--ttl": ttl,
        "--image": image,
        "--volume": volume,
        "--volume-exec": volume_exec,
        "--restart-command": restart_command,
        "--claims": claims,
        "--no-sandbox": no_sandbox,
    }
    for name, given in (own if url else others).items():
        if given is not None and given is not False:
            raise BadUsageError(
                f"{name} does not go with --url" if url else f"{name} goes with --url only",
                fix=f"Leave {name} out",
            )
    reports = wanted(report, junit, html)
    if url:
        from todoctl.course.command import course_apps

        apps = course_apps(
            url,
            ttl=600.0 if ttl is None else ttl,
            image=image,
            volumes=volume or (),
            volume_execs=volume_exec or (),
            restarts=restart_command or (),
            claims=claims,
            sandbox=not no_sandbox,
        )
        _validate_others(apps, details=details, quiet=quiet, as_json=as_json, reports=reports)
    from todoctl import targets
    from todoctl.evidence.verdict import exit_code
    from todoctl.restore import restore
    from todoctl.state import Home
    from todoctl.terminal import Terminal
    from todoctl.validate import validate as run
    from todoctl.validation.scenarios import chosen

    scenarios = chosen(scenario or [], full=full)
    home = Home()
    terminal = Terminal(stderr=as_json, quiet=quiet)
    where = targets.require(home, targets.Choice(target, cluster, context, namespace))

    def tell(verdict: "Verdict") -> None:
        show([verdict], terminal, details=details, as_json=as_json, wanted=reports)

    with home.lock():
        restore(where, terminal)
        verdict = run(where, terminal, terminal, scenarios, full=full, report=tell)
    raise typer.Exit(exit_code([verdict]))


def _validate_others(
    apps: "Sequence[App]",
    *,
    details: bool,
    quiet: bool,
    as_json: bool,
    reports: "Sequence[tuple[Path, str]]",
) -> NoReturn:
    """Judges apps that todoctl knows nothing of."""
    from todoctl.course.claims import judge
    from todoctl.course.run import Run, play
    from todoctl.evidence.http import redacted
    from todoctl.evidence.judging import judged
    from todoctl.evidence.verdict import exit_code
    from todoctl.terminal import Terminal

    terminal = Terminal(stderr=as_json, quiet=quiet)
    for app in apps:
        for command in app.commands:
            terminal.note(f"For {redacted(app.url)} this command will be run: {command}")
    runs: list[Run] = []
    try:
        play(apps, terminal, runs)
    finally:
        verdicts = judged([run.history for run in runs], judge)
        if verdicts:
            show_results(verdicts, terminal)
            show(verdicts, terminal, details=details, as_json=as_json, wanted=reports)
    raise typer.Exit(exit_code(verdicts))
