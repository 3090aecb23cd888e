"""A verdict as lines, JSON, JUnit XML and HTML."""

import io
import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from rich.console import Console

from todoctl import outcome, report
from todoctl.client import Image
from todoctl.console import Terminal
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.scenarios import SCENARIOS
from todoctl.target import Finding
from todoctl.verdict import Access, Check, ScenarioResult, Sighting, Verdict

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000000000500010d0a2db40000000049454e44ae426082"
)


def verdict(*, passed: bool = True, hostile: str = "") -> Verdict:
    access = Access(
        at=1002.0,
        status="Valid",
        downloaded_at=1001.5,
        expires_at=1005.5,
        access_count=1,
        image_access_count=1,
        image=Image(content=PIXEL, content_type="image/png"),
    )
    good = ScenarioResult(
        name="fresh",
        title="On a fresh start a picture is fetched.",
        checks=[Check(name="status", expected="Valid", seen="Valid", passed=True)],
        accesses=[access],
        began_at=1001.0,
        seconds=1.0,
    )
    other = ScenarioResult(
        name="grace",
        title="The old one is served once more.",
        checks=[Check(name="status", expected="Grace period", seen=f"Valid{hostile}", passed=passed)],
        accesses=[
            Access(
                at=1007.0,
                status="Grace period",
                downloaded_at=None,
                expires_at=None,
                access_count=2,
                image_access_count=2,
                image=None,
            )
        ],
        notes=["try 1 given up: another page view came in between"],
        began_at=1003.0,
        seconds=4.0,
    )
    return Verdict(
        target="local",
        url="http://localhost:8081",
        ttl=4.0,
        source="sample:",
        began_at=1000.0,
        scenarios=[good, other],
        sightings=[
            Sighting(at=1001.0, status="empty"),
            Sighting(at=1002.0, status="valid"),
            Sighting(at=1006.0, status="expired"),
        ],
        seconds=8.0,
    )


def test_json_has_the_documented_shape(capsys: pytest.CaptureFixture[str]) -> None:
    outcome.print_json(verdict(passed=False).to_json())
    told = json.loads(capsys.readouterr().out)
    assert {"target", "passed", "scenarios"} <= told.keys()
    assert told["passed"] is False
    first, second = told["scenarios"]
    assert {"name", "passed", "reason", "checks"} <= first.keys()
    assert first["passed"] is True
    assert first["reason"] == "1 checks passed"
    assert second["reason"] == "status: expected Grace period, saw Valid"
    assert second["checks"] == [
        {"name": "status", "expected": "Grace period", "seen": "Valid", "passed": False}
    ]


def test_a_scenario_without_checks_has_not_passed() -> None:
    empty = ScenarioResult(name="x", title="x")
    assert not empty.passed
    assert empty.reason == "nothing was checked"
    assert ScenarioResult(name="x", title="x", error="it broke").reason == "it broke"


def test_a_run_without_scenarios_has_not_passed() -> None:
    run = verdict()
    run.scenarios.clear()
    assert not run.passed


def test_junit_has_a_case_for_each_scenario(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    outcome.report(verdict(passed=False, hostile=" <&\x00\x1b"), junit=path, html=None)
    suite = Xml.parse(path).getroot()[0]  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["fresh", "grace"]
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "status: expected Grace period, saw Valid <&"


def test_html_holds_everything_it_shows() -> None:
    page = report.render(verdict(passed=False, hostile="<script>alert(1)</script>"))
    assert page.count('<img src="data:image/png;base64,') == 1
    assert page.count('class="access"') == 2
    assert page.count("<rect ") == 3
    assert "1 of 2 scenarios" in page
    assert "✗ Failed" in page
    assert "<script>" not in page
    assert "http://" not in page.replace("http://localhost:8081", "")


def test_the_timeline_is_to_scale() -> None:
    scale = report.Scale(verdict())
    assert [(span.x, span.width) for span in scale.spans(verdict().sightings)] == [
        (125.0, 125.0),
        (250.0, 500.0),
        (750.0, 250.0),
    ]
    assert [tick.label for tick in scale.ticks()] == [f"{second} s" for second in range(9)]
    long = verdict()
    long.seconds = 100_000.0
    assert report.Scale(long).ticks()[1].label == "600 s"


def test_a_report_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    outcome.check_writable(None)
    outcome.check_writable(tmp_path / "report.html")
    (tmp_path / "old.html").write_text("")
    outcome.check_writable(tmp_path / "old.html")
    for path in (tmp_path, tmp_path / "no" / "report.html"):
        with pytest.raises(BadUsageError, match="cannot be written"):
            outcome.check_writable(path)


def test_a_report_that_cannot_be_written_after_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="was not written: Is a directory"):
        outcome.report(verdict(), junit=None, html=tmp_path)


def test_lines_say_what_was_expected_and_seen(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    run = verdict(passed=False)
    run.scenarios[0].error = "it [broke]"
    for result in run.scenarios:
        terminal.finished(result)
    terminal.verdict(run)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for words in (
        "✗ fresh",
        "it [broke]",
        "expected Grace period",
        "saw Valid",
        "! try 1 given up",
        "FAILED",
    ):
        assert words in out
    terminal.verdict(verdict())
    assert "PASSED  2 of 2 scenarios on local at http://localhost:8081" in capsys.readouterr().out


def test_a_step_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.step("Start [it]") as step:
        step.update("waiting for [the pod]")
        step.update("waiting for [the pod]")
    with pytest.raises(ZeroDivisionError), terminal.step("Break"):
        raise ZeroDivisionError
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  Start [it] waiting for [the pod]"
    assert lines[1].startswith("✓ Start [it] ")
    assert lines[2].startswith("✗ Break ")


def test_findings_come_with_advice(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().findings(
        {
            "local": [
                Finding(subject="Python", ok=True, seen="3.11", fix="not needed"),
                Finding(subject="Port 80", ok=False, seen="taken", fix="choose another"),
                Finding(subject="Image service", ok=False, seen="away", required=False),
            ]
        }
    )
    assert capsys.readouterr().out.splitlines() == [
        "local",
        "  ✓ Python: 3.11",
        "  ✗ Port 80: taken → choose another",
        "  ! Image service: away",
    ]


def test_a_terminal_sees_what_is_being_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    shown = io.StringIO()
    terminal.console = Console(file=shown, force_terminal=True, width=100)
    with terminal.step("Start it") as step:
        step.update("waiting for the pod")
    with terminal.scenario(SCENARIOS[2]) as waiting:
        waiting("0:02.0 to go")
    assert "Start it" in shown.getvalue()
    assert "\x1b" in shown.getvalue()
