"""What `validate` and `judge` do with a verdict: the screen, the document, the reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from todoctl.cli.options import OUTPUT, REPORTS, flag, value
from todoctl.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todoctl.console import Terminal
    from todoctl.evidence.verdict import Verdict

JunitOption = Annotated[Path | None, value(REPORTS, "FILE", "Write JUnit XML there, for CI systems.")]
HtmlOption = Annotated[Path | None, value(REPORTS, "FILE", "Write an HTML page there, for people.")]
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


def report(
    verdicts: "Sequence[Verdict]",
    terminal: "Terminal",
    *,
    details: bool,
    as_json: bool,
    junit: Path | None,
    html: Path | None,
) -> None:
    """Tells all that were asked for of `verdicts`."""
    import os
    import sys

    from todoctl.evidence.reports import files, github

    try:
        for verdict in verdicts:
            github.publish(verdict, os.environ, sys.stderr, terminal.note)
            terminal.verdict(verdict, details=details)
        if len(verdicts) > 1:
            terminal.overview(verdicts)
        if as_json:
            told = [verdict.to_json() for verdict in verdicts]
            print_json(told[0] if len(told) == 1 else {"apps": told})
    finally:  # also where nobody reads the output any more
        files.write(*verdicts, junit=junit, html=html)
