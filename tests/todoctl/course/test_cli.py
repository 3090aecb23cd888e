"""`validate --url` and `judge` on the command line, with every report."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from tests.todoctl.course.made import Restart, Seen, made, visits
from tests.todoctl.course.test_claims import YOUNG
from tests.todoctl.course.virtual import VirtualApp, served
from todoctl.__main__ import run
from todoctl.course.claims import judge
from todoctl.terminal import Terminal

URL = "http://localhost:8081"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--target", "local"], "--target does not go with --url. Leave --target out."),
        (["--cluster", "it"], "--cluster does not go with --url."),
        (["--full"], "--full does not go with --url."),
        (["--scenario", "grace"], "--scenario does not go with --url."),
        (["--ttl", "-1"], "--ttl -1 is not a time to live."),
        (["--claims", "moon"], "--claims 'moon' is no claim."),
    ],
)
def test_what_does_not_go_together(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", "--url", URL, *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"todoctl: {line}")


def test_options_of_other_apps_need_one(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--ttl", "--image", "--volume", "--volume-exec", "--restart-command", "--claims"):
        assert run(["validate", option, "3"]) == 2
        assert capsys.readouterr().err == f"todoctl: {option} goes with --url only. Leave {option} out.\n"


@pytest.mark.live
@pytest.mark.smoke
def test_one_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--ttl", "0.3", "--json", "--volume-exec", "ls -l /", "--restart-command", "true"]
    assert run(["validate", "--url", "http://127.0.0.1:1", *arguments]) == 1
    told = capsys.readouterr()
    assert "For http://127.0.0.1:1/ this command will be run: ls -l /" in told.err
    value = json.loads(told.out)
    assert value["scenarios"][0]["reason"].startswith("page: expected a picture, saw no answer")
    saved = tmp_path / "saved.json"
    saved.write_text(told.out)
    assert run(["judge", str(saved), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["scenarios"] == value["scenarios"]


@pytest.mark.live
def test_without_a_browser_the_machine_lacks_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    page = '<div id="root"></div><script src="/app.js"></script>'
    with served(VirtualApp(page=lambda _: page)) as url:
        assert run(["validate", "--url", url, "--ttl", "8", "--no-sandbox"]) == 3
    assert "Install Chromium" in capsys.readouterr().out


@pytest.fixture(name="saved")
def _saved(tmp_path: Path) -> Path:
    """A run of two apps: one passed, with claims that were not judged; one has no grace view, interrupted."""
    good = made(*YOUNG, *visits((603, "b"), (604, "c"), (605, "c")), claims=["shown", "stays", "renews"])
    bad = made(*YOUNG, *visits((603, "c"), (604, "c")), Restart(610), Seen(640, "d", phase="restart"))
    bad.interrupted = True
    file = tmp_path / "saved.json"
    file.write_text(json.dumps({"apps": [judge(history).to_json() for history in (good, bad)]}))
    return file


def test_several_saved_ones(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    html, junit = tmp_path / "report.html", tmp_path / "junit.xml"
    assert run(["judge", str(saved), "--json", "--html", str(html), "--junit", str(junit)]) == 1
    told = capsys.readouterr()
    assert [app["passed"] for app in json.loads(told.out)["apps"]] == [True, False]
    assert "Interrupted: these claims were judged until then." in told.err
    assert "PASSED  4 of 9 claims passed, 5 not judged at http://a/" in told.err
    overview = told.err.splitlines()[-2:]
    assert [line.split()[0] for line in overview] == ["✓", "✗"]
    assert overview[1].endswith("restart, crash, files")
    assert "validate%3A restart failed" in told.err
    assert "stays not judged" not in told.err
    summary = (tmp_path / "summary.md").read_text()
    assert "| | claim | what was seen | time |" in summary
    assert "the exercise" in summary

    root = Xml.fromstring(junit.read_bytes())  # noqa: S314 - our own
    assert [suite.get("name") for suite in root] == ["todoctl validate http://a/"] * 2
    assert [suite.get("skipped") for suite in root] == ["5", "3"]
    assert root.get("tests") == "19"
    assert (root.get("failures"), root.get("errors")) == ("1", "3")

    soup = BeautifulSoup(html.read_text(), "html.parser")
    rows = soup.select("table.apps tbody tr")
    assert [row.th.get_text(" ", strip=True) for row in rows if row.th] == [
        "http://a/ ✓ Passed",
        "http://a/ ✗ Interrupted",
    ]
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert not [link["href"] for link in soup.select("a[href^='#']") if str(link["href"])[1:] not in ids]
    assert "as documented" in soup.get_text()


def test_a_claim_that_there_is_not_is_no_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = made(*YOUNG).to_json()
    told["plays"][0]["name"] = "moon"
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(told))
    assert run(["judge", str(file)]) == 2
    assert "This is not the JSON of a validation: 'moon' is no claim. Name a file" in capsys.readouterr().err


def test_on_a_terminal_each_app_has_a_line_with_its_time() -> None:
    terminal = Terminal()
    terminal.console = Console(force_terminal=True, width=100)
    with terminal.console.capture() as shown, terminal.side_by_side(["http://a/", "http://b/"]) as tell:
        tell("http://a/", "waiting for the expiry", 4e9)
        tell("http://b/", "visiting", 0.0)
        terminal.console.print("-")
    assert "http://a/" in shown.get()
    assert "left" in shown.get()
