"""`todoctl validate`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from todoctl.cli.judge import Reports, show_results
from todoctl.cli.options import Which, examples, flag, option, value
from todoctl.errors import BadUsageError

if TYPE_CHECKING:
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


class ValidateCommand(TyperCommand):
    """The command, whose help names what is registered: to import that takes longer than `todoctl --help`."""

    @property
    def help(self) -> str:
        from todoctl.course.claims import CLAIMS
        from todoctl.validation.scenarios import SCENARIOS

        names = ", ".join(one.name for one in SCENARIOS)
        return self._text.format(scenarios=names, claims=", ".join(CLAIMS))

    @help.setter  # noqa: A003
    def help(self, text: str) -> None:
        self._text = text


@dataclass(frozen=True, kw_only=True)
class Other:
    """How an app is judged that todoctl did not bring up."""

    url: list[str] | None = option(OTHER, "URL", "Judge the app at this page; may be repeated.")  # noqa: RUF009
    ttl: float | None = option(OTHER, "SECONDS", "How long a picture should stay. [default: 600]")
    image: str | None = option(OTHER, "PATH", "The address of the page's picture.")
    volume: list[Path] | None = option(OTHER, "DIR", "The directory with the app's files.")  # noqa: RUF009
    volume_exec: list[str] | None = option(OTHER, "COMMAND", "A command that lists them, as ls -l does.")  # noqa: RUF009
    restart_command: list[str] | None = option(OTHER, "COMMAND", "A command that restarts the app.")  # noqa: RUF009
    claims: str | None = option(OTHER, "NAMES", "The claims that count, as in stays,renews.")
    no_sandbox: bool = option(
        OTHER, "", "Let the browser run without its sandbox, as root needs it.", "--no-sandbox", default=False
    )


def validate(
    *,
    which: Which,
    scenario: Annotated[
        list[str] | None, value(PLAYED, "NAME", "Play this scenario only; may be repeated.")
    ] = None,
    full: Annotated[bool, flag(PLAYED, "Keep the deployed TTL and pictures: ten minutes.", "--full")] = False,
    other: Other,
    output: Reports,
) -> None:
    """Prove that what is up behaves as documented.

    Scenarios: {scenarios}. Your picture and counts are set aside meanwhile, and put back.

    With --url any app of the course is judged, claim by claim: {claims}.
    """
    own: dict[str, Any] = {**vars(which), "full": full, "scenario": scenario}
    for name, given in (own if other.url else vars(other)).items():
        if given is not None and given is not False:
            called = f"--{name.replace('_', '-')}"
            raise BadUsageError(
                f"{called} does not go with --url" if other.url else f"{called} goes with --url only",
                fix=f"Leave {called} out",
            )
    files = output.files()
    if other.url:
        from todoctl.course.command import course_apps

        apps = course_apps(
            other.url,
            ttl=600.0 if other.ttl is None else other.ttl,
            image=other.image,
            volumes=other.volume or (),
            volume_execs=other.volume_exec or (),
            restarts=other.restart_command or (),
            claims=other.claims,
            sandbox=not other.no_sandbox,
        )
        _validate_others(apps, output, files)
    from todoctl import targets
    from todoctl.evidence.verdict import exit_code
    from todoctl.restore import restore
    from todoctl.state import Home
    from todoctl.validate import validate as run
    from todoctl.validation.scenarios import chosen

    scenarios = chosen(scenario or [], full=full)
    home, terminal = Home(), output.terminal()
    target = targets.require(home, which.choice())

    def report(verdict: "Verdict") -> None:
        output.show([verdict], terminal, files)

    with home.lock():
        restore(target, terminal)
        verdict = run(target, terminal, terminal, scenarios, full=full, report=report)
    raise typer.Exit(exit_code([verdict]))


def _validate_others(apps: Sequence["App"], output: Reports, files: Sequence[tuple[Path, str]]) -> NoReturn:
    """Judges apps that todoctl knows nothing of."""
    from todoctl.course.claims import judge
    from todoctl.course.run import Run, play
    from todoctl.evidence.http import redacted
    from todoctl.evidence.judging import judged
    from todoctl.evidence.verdict import exit_code

    terminal = output.terminal()
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
            output.show(verdicts, terminal, files)
    raise typer.Exit(exit_code(verdicts))
