"""Where reports go."""

from pathlib import Path

import pytest

from tests.todoctl.evidence.reports import verdicts
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.evidence.reports import files


def test_a_report_that_could_not_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    files.check_writable(None)
    files.check_writable(tmp_path / "new.html")
    (tmp_path / "old.html").touch()
    files.check_writable(tmp_path / "old.html")
    for path in (tmp_path, tmp_path / "nowhere" / "new.html", tmp_path / ("x" * 300)):
        with pytest.raises(BadUsageError, match="cannot be written"):
            files.check_writable(path)


def test_no_report_is_written_over_another_file_of_the_command(tmp_path: Path) -> None:
    report, kept = tmp_path / "report", tmp_path / "run.json"
    kept.touch()
    files.check_writable(report, tmp_path / "other", kept=kept)
    for paths in ((report, tmp_path / "." / "report"), (kept,)):
        with pytest.raises(BadUsageError, match="would be written over another file of this command"):
            files.check_writable(*paths, kept=kept)


def test_reports_are_written_where_they_were_asked_for(tmp_path: Path) -> None:
    made = verdicts.verdict(names=2)
    files.write(made, junit=None, html=None)
    assert not list(tmp_path.iterdir())
    files.write(made, junit=tmp_path / "junit.xml", html=tmp_path / "report.html")
    assert (tmp_path / "junit.xml").read_text().startswith("<?xml")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_one_that_cannot_be_written_keeps_no_other_from_it(tmp_path: Path) -> None:
    made = verdicts.verdict(names=2)
    with pytest.raises(UnavailableError, match=r"junit.xml was not written: No such file"):
        files.write(made, junit=tmp_path / "gone" / "junit.xml", html=tmp_path / "report.html")
    assert (tmp_path / "report.html").exists()
