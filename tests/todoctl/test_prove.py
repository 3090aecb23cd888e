"""`validate` and `judge` on the command line: what is shown, what is written, and the exit codes."""

import json
import signal
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.app_server import wait_for
from tests.todoctl.conftest import CommandLine
from tests.todoctl.validation.histories import Script

pytestmark = pytest.mark.live


def saved(path: Path, *, wrong: bool = False) -> Path:
    """A history of a made app, with something wrong in it where that is asked for."""
    script = Script()
    script.start(emptied=True)
    script.look()
    script.view(lambda told: setattr(told, "picture_views", 7) if wrong else None)
    path.write_text(json.dumps(script.finished("start").to_json()))
    return path


@pytest.mark.smoke
def test_a_run_tells_and_writes_its_evidence(todoctl: CommandLine, tmp_path: Path) -> None:
    todoctl.up()
    html, junit = tmp_path / "report.html", tmp_path / "junit.xml"
    ran = todoctl("validate", "--scenario", "renew", "--json", "--html", str(html), "--junit", str(junit))
    told = json.loads(ran.stdout)
    assert (told["passed"], [one["name"] for one in told["scenarios"]]) == (True, ["renew"])
    assert "PASSED  1 of 1" in ran.stderr
    assert "<iframe" in html.read_text()
    assert len(Xml.parse(junit).getroot()[0].findall("testcase")) == 1  # noqa: S314 - our own file
    (tmp_path / "run.json").write_text(ran.stdout)
    again = todoctl("judge", str(tmp_path / "run.json"), "--json")
    assert json.loads(again.stdout) == told


def test_a_saved_run_is_judged_with_no_app_around(tmp_path: Path) -> None:
    todoctl = CommandLine(tmp_path / "home")
    assert "PASSED  1 of 1" in todoctl("judge", str(saved(tmp_path / "well.json"))).stdout
    wrong = str(saved(tmp_path / "wrong.json", wrong=True))
    failed = todoctl("judge", wrong, "--html", str(tmp_path / "report.html"), code=1).stdout
    for words in ("FAILED", "image count", "7", "the picture is younger than the TTL"):
        assert words in failed
    assert "image count" in (tmp_path / "report.html").read_text()
    assert failed.count("\n") < todoctl("judge", wrong, "--details", code=1).stdout.count("\n")


@pytest.mark.parametrize(
    "content", ["{}", "[]", "null", '{"history": {"version": 99}}', '{"version": 1}', '{"apps": [null]}']
)
def test_another_file_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(content)
    told = CommandLine(tmp_path / "home")("judge", str(tmp_path / "other.json"), code=2).stderr
    assert told.startswith("todoctl: This is not the JSON of a validation: ")
    assert told.endswith(". Name a file that 'todoctl validate --json' has written.\n")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[" * 100_000, "its JSON is nested too deeply"),
        (b"{", "it is no JSON: Expecting property name"),
        (b'"\xff"', "it is no JSON. Name a file that"),
        (None, "No such file or directory. Name a file that"),
    ],
)
def test_a_file_that_is_no_json_is_refused(content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    if content is not None:
        file.write_bytes(content)
    told = CommandLine(tmp_path / "home")("judge", str(file), code=2).stderr
    assert told.startswith(f"todoctl: {file} cannot be read: {why}")


def test_under_github_actions_a_failure_is_an_annotation(tmp_path: Path) -> None:
    todoctl = CommandLine(tmp_path / "home")
    summary = tmp_path / "summary.md"
    todoctl.env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    told = todoctl("judge", str(saved(tmp_path / "wrong.json", wrong=True)), code=1).stderr
    assert told.startswith("::error title=todoctl validate")
    assert "image count" in summary.read_text()


def test_an_interrupted_run_still_reports(todoctl: CommandLine, tmp_path: Path) -> None:
    todoctl.up()
    html, junit = tmp_path / "report.html", tmp_path / "junit.xml"
    with todoctl.spawn("validate", "--json", "--html", str(html), "--junit", str(junit)) as running:
        wait_for((todoctl.home / "local" / "volume" / "cache.set-aside").exists, what="a cache set aside")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Put the deployed app, its picture and its counts back" in err
    told = json.loads(out)
    assert (told["interrupted"], told["passed"]) == (True, False)
    assert {"deployed", "mount"} <= {one["name"] for one in told["scenarios"]}
    assert "Interrupted" in html.read_text()
    assert "interrupted" in junit.read_text()
