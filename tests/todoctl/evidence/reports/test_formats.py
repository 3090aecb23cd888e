"""Which reports there are, and where they go."""

import json
import re
from pathlib import Path

import pytest

from tests.todoctl.cli import documents
from tests.todoctl.evidence.reports import verdicts
from todoctl.cli import judge as options
from todoctl.cli.judge import Reports
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.evidence import reports
from todoctl.evidence.reports.document import document, schema

EXTENDING = Path(__file__).parents[4] / "docs" / "extending.md"


def test_a_report_that_could_not_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "old.html").touch()
    reports.check([(tmp_path / "new.html", ".html"), (tmp_path / "old.html", ".html")])
    for path in (tmp_path, tmp_path / "nowhere" / "new.html", tmp_path / ("x" * 300)):
        with pytest.raises(BadUsageError, match="cannot be written"):
            reports.check([(path, ".html")])


def test_no_report_is_written_over_another_file_of_the_command(tmp_path: Path) -> None:
    report, kept = tmp_path / "report.md", tmp_path / "run.json"
    kept.touch()
    assert Reports(report=[report], html=tmp_path / "other").files(kept=kept) == [
        (report, ".md"),
        (tmp_path / "other", ".html"),
    ]
    for path in (tmp_path / "." / "report.md", kept):
        with pytest.raises(BadUsageError, match="would be written over another file of this command"):
            Reports(report=[report, path]).files(kept=kept)


def test_the_format_is_known_by_the_suffix(tmp_path: Path) -> None:
    with pytest.raises(BadUsageError, match=r"no known format\. End its name in \.html, \.json, \.md, \.xml"):
        Reports(report=[tmp_path / "report.pdf"]).files()
    assert re.findall(r"\.[a-z]+\b", options.BY_SUFFIX) == list(reports.formats())


def test_reports_are_written_where_they_were_asked_for(tmp_path: Path) -> None:
    made = verdicts.verdict(names=2)
    found = Reports(report=[tmp_path / f"report{suffix.upper()}" for suffix in reports.formats()]).files()
    reports.write([], found)
    assert not list(tmp_path.iterdir())
    reports.write([made], found)
    assert (tmp_path / "report.XML").read_text().startswith("<?xml")
    assert (tmp_path / "report.HTML").read_text().startswith("<!doctype html>")
    assert (tmp_path / "report.MD").read_text().startswith("## todoctl validate: Passed")
    assert json.loads((tmp_path / "report.JSON").read_text()) == json.loads(json.dumps(made.to_json()))


def test_one_that_cannot_be_written_keeps_no_other_from_it(tmp_path: Path) -> None:
    gone, html = tmp_path / "gone" / "junit.xml", tmp_path / "report.html"
    with pytest.raises(UnavailableError, match=r"junit.xml was not written: No such file"):
        reports.write([verdicts.verdict(names=2)], [(gone, ".xml"), (html, ".html")])
    assert html.exists()


def test_the_schema_is_that_of_the_types() -> None:
    assert documents.schema("verdict") == schema(), "nox -s reference writes it"
    made = verdicts.verdict()
    verdicts.leave(made, "kill")
    for found in ([made], [made, verdicts.verdict(names=1)]):
        value = json.loads(json.dumps(document(found)))
        assert documents.wrong("verdict", value) == []
        assert documents.wrong("verdict", value, strict=True) == []


def test_a_format_is_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/extending.md has it."""
    example = re.search(r"## A report format\n.*?```python\n(.*?)```", EXTENDING.read_text(), re.DOTALL)
    assert example
    monkeypatch.setattr(reports, "_FORMATS", dict(reports.formats()))
    exec(compile(example[1], "docs/extending.md", "exec"), {})  # noqa: S102 - it is our own
    reports.write([verdicts.verdict(names=2)], Reports(report=[tmp_path / "report.csv"]).files())
    lines = (tmp_path / "report.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines] == [
        ["app", "result", "outcome"],
        ["local", "mount", "passed"],
        ["local", "fresh", "passed"],
    ]
