"""Where a verdict goes besides the screen: reports in files."""

import os
from pathlib import Path

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.validation.verdict import Verdict


def check_writable(*paths: Path | None) -> None:
    """Raises `BadUsageError` before a long run of which a report could not be written after it."""
    for path in filter(None, paths):
        writable = os.access(path, os.W_OK) if path.exists() else os.access(path.parent, os.W_OK | os.X_OK)
        if path.is_dir() or not writable:
            raise BadUsageError(
                f"The report {path} cannot be written",
                fix="Name a file in a directory that exists and is yours",
            )


def write(verdict: Verdict, *more: Verdict, junit: Path | None, html: Path | None) -> None:
    """Writes the reports that were asked for; where one cannot be written, the other still is."""
    from todoctl.validation.reports import html as html_report
    from todoctl.validation.reports import junit as junit_report

    failed: UnavailableError | None = None
    for path, report in ((junit, junit_report.write), (html, html_report.write)):
        if path is None:
            continue
        try:
            report(verdict, path, more=more)
        except OSError as error:
            failed = UnavailableError(f"The report {path} was not written", why=error.strerror or str(error))
    if failed:
        raise failed
