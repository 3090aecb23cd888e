"""A visit by a real Chromium."""

import base64
import os
import threading
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest

from tests.browser import find
from tests.todoctl.course.made import made
from tests.todoctl.course.virtual import VirtualApp, picture, served
from todoctl.course.browser import BrowserVisitor
from todoctl.course.observations import Observations, View
from todoctl.course.run import SystemClock
from todoctl.course.visit import Notes
from todoctl.errors import UnavailableError
from todoctl.evidence.http import Reach

pytestmark = [pytest.mark.live, pytest.mark.browser]

NOBODY = "http://127.0.0.1:1/"

PAGES = {
    "img": '<img src="/icon.svg"><img src="/p">',
    "elsewhere": '<img src="http://localhost:{port}/p">',
    "background": '<div style="background: url(/p); width: 99px; height: 99px"></div>',
    "data": f'<img src="data:image/png;base64,{base64.b64encode(picture(1)).decode()}">',
    "react": """<div id="root"></div><script>
        setTimeout(() => {
          const image = document.createElement("img");
          image.src = "/p?of=" + Date.now();
          document.getElementById("root").append(image);
        }, 50);
        </script>""",
    "blob": """<div id="root"></div><script>
        fetch("/p").then(answer => answer.blob()).then(blob => {
          const image = document.createElement("img");
          image.src = URL.createObjectURL(blob);
          document.getElementById("root").append(image);
        });
        </script>""",
    "canvas": """<canvas width="99" height="99"></canvas><script>
        const image = new Image();
        image.onload = () => document.querySelector("canvas").getContext("2d").drawImage(image, 0, 0);
        image.src = "/p";
        </script>""",
}


@pytest.fixture(autouse=True)
def _chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    find()
    # the wait for a picture that does not come
    monkeypatch.setattr("todoctl.course.browser.PICTURE_MS", 500)


def opened(url: str, *, reach: str = "", sandbox: bool = False) -> tuple[BrowserVisitor, Notes]:
    notes = Notes(made(), SystemClock(threading.Event()).now)
    return BrowserVisitor(url, Reach(reach or url), notes, sandbox=sandbox), notes


def visited(url: str, *, reach: str = "", closed: bool = False) -> View:
    visitor, notes = opened(url, reach=reach)
    if closed:
        visitor.close()
    notes.begin("shown")
    visitor.visit()
    visitor.close()
    [seen] = Observations(notes.history).views
    return seen


def real(page: str, **options: object) -> VirtualApp:
    clock = SystemClock(threading.Event())
    return VirtualApp(clock, page=lambda app: page + app.labels(), labelled=True, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("show", PAGES)
def test_the_picture_is_seen_once(show: str) -> None:
    app = real("")
    with served(app) as url:
        html = PAGES[show].replace("{port}", url.split(":")[2].strip("/"))
        app.page = lambda app: html + app.labels()
        seen = visited(url, closed=show == "img")
    assert seen.picture, seen.problem
    assert seen.labels.views == 1
    assert seen.begin <= seen.asked <= seen.end
    assert app.asked.count("/") == 1
    assert app.asked.count("/p") == (show != "data")


def test_nothing_to_see() -> None:
    with served(real("<p>To do</p>")) as url:
        assert visited(url).problem == "a page without a picture"
    broken = httpx.Response(500, headers={"content-type": "text/html"}, text="<img src='/p'>")
    with served(real("", fault=lambda *_: broken)) as url:
        assert visited(url).problem.startswith("HTTP 500 (text/html) instead of a page")
    assert "ERR_" in visited(NOBODY).problem


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"pip install 'todoctl\[browser\]'"):
        opened(NOBODY)
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'FATAL: No usable sandbox!' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(broken))
    with pytest.raises(UnavailableError, match=r"does not start: .*No usable sandbox.*--image"):
        opened(NOBODY)
    refused = Mock(side_effect=Exception("Connection closed while reading from the driver"))
    with monkeypatch.context() as patched:
        patched.setattr("playwright.sync_api.sync_playwright", refused)
        with pytest.raises(UnavailableError, match=r"does not start: Connection closed.*libatomic1"):
            opened(NOBODY)
    monkeypatch.setitem(__import__("sys").modules, "playwright.sync_api", None)
    with pytest.raises(UnavailableError, match="Install Chromium"):
        opened(NOBODY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has no sandbox")
def test_root_has_no_browser_without_saying_so() -> None:
    with pytest.raises(UnavailableError, match="--no-sandbox where you trust the app"):
        opened(NOBODY, sandbox=True)


def test_a_page_loads_nothing_from_networks_inside() -> None:
    app = real(PAGES["img"])
    with served(app) as url:
        assert "ERR_FAILED" in visited(url, reach="http://192.0.2.1/").problem
    assert not app.asked
