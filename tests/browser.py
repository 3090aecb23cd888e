"""A real browser: one that is installed, else one that Playwright installs where downloads are allowed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

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
            "No browser for the page's tests: install Chromium or Chrome (Debian: apt-get install chromium). "
            f"Playwright could not bring its own: {' '.join(done.stderr.split())[:300]}"
        )
    return None


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser with a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        yield browser
        browser.close()
