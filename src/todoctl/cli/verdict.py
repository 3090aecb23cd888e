"""What `validate` and `judge` do with a verdict: the screen, the document, the reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from todoctl.cli.options import OUTPUT, REPORTS, flag, print_json, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todoctl.evidence.verdict import Verdict
    from todoctl.terminal import Terminal

ReportOption = Annotated[
    list[Path] | None,
    value(
        REPORTS, "FILE", "Write a report there, by its suffix: .html, .json, .md or .xml; may be repeated."
    ),
]
JunitOption = Annotated[Path | None, value(REPORTS, "FILE", "The same as JUnit XML, whatever its suffix.")]
HtmlOption = Annotated[Path | None, value(REPORTS, "FILE", "The same as an HTML page, whatever its suffix.")]
DetailsOption = Annotated[bool, flag(OUTPUT, "Show every check, not only those that failed.", "--details")]
QuietOption = Annotated[bool, flag(OUTPUT, "Print only what failed and the verdict.", "--quiet", "-q")]


def show_results(verdicts: "Sequence[Verdict]", terminal: "Terminal") -> None:
    """One line for each result of each verdict."""
    for verdict in verdicts:
        if len(verdicts) > 1:
            terminal.note(verdict.history.facts.url)
        with terminal.expect([(result.name, 0.0) for result in verdict.scenarios]):
            for result in verdict.scenarios:
                terminal.finished(result)


def wanted(
    report: list[Path] | None, junit: Path | None, html: Path | None, *, kept: Path | None = None
) -> list[tuple[Path, str]]:
    """Returns the reports that are asked for, each with the suffix that chooses its format.

    Raises `BadUsageError` where one could not be written, or would be written over `kept`.
    """
    from todoctl.evidence import reports

    found = [(path, path.suffix.lower()) for path in report or ()]
    found += [(path, suffix) for path, suffix in ((junit, ".xml"), (html, ".html")) if path]
    reports.check(found, kept=kept)
    return found


def report(
    verdicts: "Sequence[Verdict]",
    terminal: "Terminal",
    *,
    details: bool,
    as_json: bool,
    wanted: "Sequence[tuple[Path, str]]",
) -> None:
    """Tells all that were asked for of `verdicts`."""
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
                terminal.verdict(verdict, details=details)
            if len(verdicts) > 1:
                terminal.overview(verdicts)
            if as_json and verdicts:
                print_json(document(verdicts))
        finally:  # also where nobody reads the output any more
            reports.write(verdicts, wanted)
    except Exception as error:
        if cause is None:
            raise
        terminal.note(f"Not all of the verdict could be reported: {error}")  # nothing hides the cause
