"""`todoctl judge`, and what becomes of a verdict: the screen, the document, the reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todoctl.cli.options import OUTPUT, examples, option, print_json
from todoctl.errors import BadUsageError

if TYPE_CHECKING:
    from todoctl.evidence.verdict import Verdict
    from todoctl.terminal import Terminal

REPORTS = "Reports"

EXAMPLES = examples("""
    # A report of a run that was saved
    todoctl validate --json > run.json
    todoctl judge run.json --report report.html
""")

BY_SUFFIX = "Write a report there, by its suffix: .html, .json, .md or .xml; may be repeated."


@dataclass(frozen=True, kw_only=True)
class Reports:
    """How `validate` and `judge` report."""

    report: list[Path] | None = option(REPORTS, "FILE", BY_SUFFIX)  # noqa: RUF009
    junit: Path | None = option(REPORTS, "FILE", "The same as JUnit XML, whatever its suffix.")  # noqa: RUF009
    html: Path | None = option(REPORTS, "FILE", "The same as an HTML page, whatever its suffix.")  # noqa: RUF009
    details: bool = option(
        OUTPUT, "", "Show every check, not only those that failed.", "--details", default=False
    )
    quiet: bool = option(
        OUTPUT, "", "Print only what failed and the verdict.", "--quiet", "-q", default=False
    )
    as_json: bool = option(OUTPUT, "", "One JSON document on standard output.", "--json", default=False)

    def terminal(self) -> "Terminal":
        """Returns where the verdict is shown."""
        from todoctl.terminal import Terminal

        return Terminal(stderr=self.as_json, quiet=self.quiet)

    def files(self, *, kept: Path | None = None) -> list[tuple[Path, str]]:
        """Returns the reports that are asked for, each with the suffix that chooses its format.

        Raises `BadUsageError` if one could not be written, or would be written over `kept`.
        """
        from todoctl.evidence import reports

        found = [(path, path.suffix.lower()) for path in self.report or ()]
        found += [(path, suffix) for path, suffix in ((self.junit, ".xml"), (self.html, ".html")) if path]
        reports.check(found, kept=kept)
        return found

    def show(
        self, verdicts: Sequence["Verdict"], terminal: "Terminal", files: Sequence[tuple[Path, str]]
    ) -> None:
        """Reports the verdicts in each way that was asked for."""
        import os
        import sys

        from todoctl.evidence import reports
        from todoctl.evidence.reports import github
        from todoctl.evidence.reports.document import document

        cause = sys.exception()  # a run that failed or was interrupted is reported on its way out
        try:
            try:
                for verdict in verdicts:
                    github.publish(verdict, os.environ, sys.stderr, terminal.note)
                    terminal.verdict(verdict, details=self.details)
                if len(verdicts) > 1:
                    terminal.overview(verdicts)
                if self.as_json and verdicts:
                    print_json(document(verdicts))
            finally:  # also if nobody reads the output any more
                reports.write(verdicts, files)
        except Exception as error:
            if cause is None:
                raise
            terminal.note(f"Not all of the verdict could be reported: {error}")  # nothing hides the cause


def show_results(verdicts: Sequence["Verdict"], terminal: "Terminal") -> None:
    """Shows one line for each result of each verdict."""
    for verdict in verdicts:
        if len(verdicts) > 1:
            terminal.note(verdict.history.facts.url)
        with terminal.expect([(result.name, 0.0) for result in verdict.scenarios]):
            for result in verdict.scenarios:
                terminal.finished(result)


def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'todoctl validate --json' has printed.")],
    output: Reports,
) -> None:
    """Judge a saved run again, with no app around."""
    from todoctl.course.claims import judge as judge_other
    from todoctl.evidence.history import History
    from todoctl.evidence.judging import judged
    from todoctl.evidence.verdict import exit_code
    from todoctl.validation.checkers import judge as judge_ours

    files = output.files(kept=file)
    histories = [History.from_json(plain) for plain in _read(file)]
    verdicts = [
        verdict
        for history in histories
        for verdict in judged([history], judge_other if history.facts.kind == "claims" else judge_ours)
    ]
    terminal = output.terminal()
    show_results(verdicts, terminal)
    output.show(verdicts, terminal, files)
    raise typer.Exit(exit_code(verdicts))


def _read(file: Path) -> list[object]:
    """Returns the histories in `file`, alone or within verdicts; raises `BadUsageError`."""
    import json

    from todoctl.evidence.history import FIX

    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        why = "it is no JSON"  # no text, or a number without an end
        if isinstance(error, OSError):
            why = error.strerror or str(error)
        elif isinstance(error, RecursionError):
            why = "its JSON is nested too deeply"
        elif isinstance(error, json.JSONDecodeError):
            why = f"it is no JSON: {error}"
        raise BadUsageError(f"{file} cannot be read", why=why, fix=FIX) from None
    apps = value.get("apps") if isinstance(value, dict) else None
    return [
        one.get("history", one) if isinstance(one, dict) else one
        for one in (apps if isinstance(apps, list) and apps else [value])
    ]
