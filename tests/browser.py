"""A real browser: one that is installed, else one that Playwright installs where downloads are allowed."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from tests.app_server import AppServer

PHONE, DESKTOP = (390, 844), (1280, 800)
"""Widths and heights in CSS pixels."""

INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

DEADLINE_MS = 60_000
"""How long a fact may take to come true on a busy machine."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Without a sandbox, as containers and root need it; and without calls to anywhere but the test's server."""


def find() -> str | None:
    """The path of an installed browser; None where Playwright has brought its own.

    Fails the test where neither can be had.
    """
    for name in INSTALLED:
        if path := shutil.which(name):
            return path
    done = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(
            "No browser for the page's tests: install Chromium or Chrome (see CONTRIBUTING.md). "
            f"Playwright could not bring its own: {' '.join(done.stderr.split())[:300]}"
        )
    return None


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser with a profile of its own."""
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page that is open, what it asked for, its script's errors, and all there was to complain of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on("request", self._request)

    def _error(self, error: Error) -> None:
        self.errors.append(str(error))
        self.complaints.append(str(error))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        self.requests.append(re.sub(r"^http://[^/]*", "", request.url))

    def value(self, label: str) -> str:
        row = self.page.locator("#metadata div", has=self.page.get_by_text(label, exact=True))
        return row.locator("dd").inner_text()

    def moment(self, label: str) -> float | None:
        row = self.page.locator("#metadata div", has=self.page.get_by_text(label, exact=True))
        times = row.locator("time")
        if not times.count():
            return None
        return datetime.fromisoformat(times.get_attribute("datetime") or "").timestamp()


@contextmanager
def visiting(
    browser: Browser,
    app: AppServer,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: str = "light",
    script: bool = True,
    motion: bool = True,
    clock: bool = False,
) -> Iterator[Visit]:
    """View the page once, as a visitor in Tokyo; `clock` lets the test move the browser's time on."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
        timezone_id="Asia/Tokyo",
        locale="en-GB",
        reduced_motion="no-preference" if motion else "reduce",
    )
    context.set_default_timeout(DEADLINE_MS)
    try:
        visit = Visit(context.new_page())
        if clock:
            visit.page.clock.install()
        visit.page.goto(app.url + "/", wait_until="load")
        yield visit
    finally:
        context.close()


CONTRASTS = """() => {
  const channels = (css) => css.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = channels(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
  };
  const texts = [...document.querySelectorAll("h1, dt, dd, p, footer")].filter((node) => node.innerText);
  return texts.map((node) => {
    const [a, b] = [luminance(channels(getComputedStyle(node).color)), luminance(ground(node))];
    return [node.innerText, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
}"""
"""WCAG 2.2, 1.4.3: the contrast of each text with what is behind it."""
