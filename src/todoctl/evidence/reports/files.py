"""Where a verdict goes besides the screen: reports in files."""

import os
from pathlib import Path

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.evidence.verdict import Verdict


def check_writable(*paths: Path | None, kept: Path | None = None) -> None:
    """Raises `BadUsageError` before a long run of which a report could not be written after it.

    Each has a file of its own, which is not `kept`.
    """
    taken = [kept.resolve()] if kept else []
    for path in filter(None, paths):
        if not _is_writable(path):
            raise BadUsageError(
                f"The report {path} cannot be written",
                fix="Name a file in a directory that exists and is yours",
            )
        if path.resolve() in taken:
            raise BadUsageError(
                f"The report {path} would be written over another file of this command",
                fix="Name another file for it",
            )
        taken.append(path.resolve())


def _is_writable(path: Path) -> bool:
    try:
        if path.exists():
            return os.access(path, os.W_OK) and not path.is_dir()
    except OSError:  # a name that is too long, say
        return False
    return os.access(path.parent, os.W_OK | os.X_OK)


def write(verdict: Verdict, *more: Verdict, junit: Path | None, html: Path | None) -> None:
    """Writes the reports that were asked for; where one cannot be written, the other still is."""
    from todoctl.evidence.reports import html as html_report
    from todoctl.evidence.reports import junit as junit_report

    failed: UnavailableError | None = None
    for path, report in ((junit, junit_report.write), (html, html_report.write)):
        if path is None:
            continue
        try:
            report(verdict, path, more=more)
        except OSError as error:
            failed = UnavailableError(
                f"The report {path} was not written",
                why=error.strerror or str(error),
                fix="Name a file in a directory that you may write to",
            )
    if failed:
        raise failed
