"""What GitHub Actions is told."""

import io
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.reports import github
from todoctl.evidence.reports.markdown import escape, markdown


def test_a_scenario_that_does_not_pass_is_annotated(tmp_path: Path) -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "grace", seen="50 %\nor so")
    verdicts.leave(made, "kill")
    output, notes, summary = io.StringIO(), list[str](), tmp_path / "summary.md"
    summary.write_text("before\n")
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    github.publish(made, environment, output, notes.append)
    first, second = output.getvalue().splitlines()
    assert first == (
        "::error title=todoctl validate%3A grace failed::"
        "The first view after the expiry gets the same bytes. "
        "Site Access count: expected 6, saw 50 %25\\nor so"
    )
    assert second.startswith("::error title=todoctl validate%3A kill not judged::")
    assert summary.read_text().startswith("before\n## todoctl validate: Failed\n")
    assert notes == []


def test_an_interrupted_run_is_an_error() -> None:
    made = verdicts.verdict(names=2)
    made.history.interrupted = True
    assert list(github.annotations(made)) == [
        "::error title=todoctl validate%3A interrupted::Not all scenarios were played."
    ]
    assert markdown(made).startswith("## todoctl validate: Interrupted\n")


@pytest.mark.parametrize("environment", [{}, {"GITHUB_ACTIONS": ""}])
def test_elsewhere_nothing_is_said(environment: dict[str, str]) -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "grace")
    output = io.StringIO()
    github.publish(made, environment, output, pytest.fail)
    assert output.getvalue() == ""


def test_a_summary_that_cannot_be_written_is_a_note(tmp_path: Path) -> None:
    notes = list[str]()
    made = verdicts.verdict()
    github.publish(made, {"GITHUB_ACTIONS": "true"}, io.StringIO(), notes.append)
    assert notes == []
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path)}
    github.publish(made, environment, io.StringIO(), notes.append)
    assert notes == ["GitHub's job summary was not written: Is a directory"]


def test_the_summary_means_what_it_says() -> None:
    made = verdicts.verdict()
    hostile = "<b>|`x` [a](http://b) *c* _d_ @all #1\n# heading \\ &amp;"
    verdicts.fail(made, "crowd", seen=hostile, times=22)
    html = MarkdownIt("commonmark").enable("table").render(markdown(made))
    assert html.count("<table>") == 2
    assert html.count("<h2>") == html.count("<h3>") == 1
    for tag in ("<b>", "<code>", "<a ", "<em>", "<h1>"):
        assert tag not in html
    assert "&lt;b&gt;|`x` [a](http://b) *c* _d_ @all #1\\n# heading \\ &amp;amp;" in html
    assert "… and 2 failed checks more" in html
    assert html.count("<tr>") == 1 + 11 + 1 + 20


def test_what_is_no_markup_is_left_as_it_is() -> None:
    text = "1.5 s (cache_metadata.json): 304, not 200 - see !"
    assert escape(text) == text
