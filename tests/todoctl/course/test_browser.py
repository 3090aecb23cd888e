"""A visit by a real Chromium."""

import os
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.browser import find
from tests.todoctl.course.imitation import Imitation, imitation
from tests.todoctl.course.made import Seen, made
from todoctl.course.browser import BrowserVisitor
from todoctl.course.observations import Observations, View
from todoctl.course.run import SystemClock
from todoctl.course.visit import Notes
from todoctl.errors import UnavailableError
from todoctl.evidence.history import History
from todoctl.evidence.http import Reach

pytestmark = [pytest.mark.live, pytest.mark.browser]

CANVAS = '<div style="background: url(/image); width: 99px; height: 99px"></div>'


@pytest.fixture(autouse=True)
def _chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    find()
    monkeypatch.setattr("todoctl.course.browser.PICTURE_MS", 500)
    # the wait for a picture that does not come


def sightings(history: History) -> list[View]:
    return Observations(history).views


def opened(url: str, history: History, *, sandbox: bool = False) -> BrowserVisitor:
    notes = Notes(history, SystemClock(threading.Event()).now)
    return BrowserVisitor(url, Reach(url), notes, sandbox=sandbox)


def visited(app: Imitation, *, after_rest: bool = False) -> History:
    history = made(Seen(0, ""))
    history.events.clear()
    with imitation(app):
        visitor = opened(f"{app.url}/", history)
        if after_rest:
            visitor.close()
        visitor.visit()
        visitor.close()
    return history


@pytest.mark.parametrize("show", ["img", "far", "react", "blob", "data"])
def test_the_picture_is_seen_once(show: str) -> None:
    app = Imitation(show=show, labels="right")
    [seen] = sightings(visited(app, after_rest=show == "img"))
    assert seen.picture, seen.problem
    assert seen.labels.views == 1
    assert seen.begin <= seen.asked <= seen.end
    paths = [path.partition("?")[0] for _, path, _ in app.asked]
    assert paths.count("/") == 1
    assert paths.count("/image") <= 1


def test_a_background_is_a_picture_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.todoctl.course.imitation.REACT", CANVAS)
    [seen] = sightings(visited(Imitation(show="react")))
    assert seen.picture


def test_nothing_to_see() -> None:
    [seen] = sightings(visited(Imitation(show="none")))
    assert seen.problem == "a page without a picture"
    [seen] = sightings(visited(Imitation(show="error")))
    assert seen.problem.startswith("HTTP 500 (text/html) instead of a page")


def test_an_app_that_is_not_there() -> None:
    history = made(Seen(0, ""))
    history.events.clear()
    visitor = opened("http://127.0.0.1:1/", history)
    visitor.visit()
    visitor.close()
    [seen] = sightings(history)
    assert "ERR_" in seen.problem


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = made(Seen(0, ""))
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"pip install 'todoctl\[browser\]'"):
        opened("http://127.0.0.1:1/", history)
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'FATAL: No usable sandbox!' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(broken))
    with pytest.raises(UnavailableError, match=r"does not start: .*No usable sandbox.*--image"):
        opened("http://127.0.0.1:1/", history)
    refused = Mock(side_effect=Exception("Connection closed while reading from the driver"))
    with monkeypatch.context() as patched:
        patched.setattr("playwright.sync_api.sync_playwright", refused)
        with pytest.raises(UnavailableError, match=r"does not start: Connection closed.*libatomic1"):
            opened("http://127.0.0.1:1/", history)
    monkeypatch.setitem(__import__("sys").modules, "playwright.sync_api", None)
    with pytest.raises(UnavailableError, match="Install Chromium"):
        opened("http://127.0.0.1:1/", history)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has no sandbox")
def test_root_has_no_browser_without_saying_so() -> None:
    with pytest.raises(UnavailableError, match="--no-sandbox where you trust the app"):
        opened("http://127.0.0.1:1/", made(Seen(0, "")), sandbox=True)


def test_a_page_loads_nothing_from_networks_inside() -> None:
    history = made(Seen(0, ""))
    history.events.clear()
    with imitation(Imitation(show="img")) as app:
        notes = Notes(history, SystemClock(threading.Event()).now)
        visitor = BrowserVisitor(f"{app.url}/", Reach("http://192.0.2.1/"), notes, sandbox=False)
        visitor.visit()
        visitor.close()
    assert "ERR_FAILED" in sightings(history)[0].problem
    assert not app.asked
