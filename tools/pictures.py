"""The README's pictures, taken of a real run: `nox -s pictures`.

On k3d where that is installed, in a cluster of its own that is taken away again; else as a process.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from tests.browser import launched

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
COLUMNS = 104
PORT = "8090"
PAGE = f"http://localhost:{PORT}"

FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
"""Of the reader's machine: rich's own comes from elsewhere, and a picture in a page loads nothing."""


def terminal(name: str, *command: str) -> None:
    """Runs a command of todoctl, and keeps what it shows, in colours but without what moves meanwhile."""
    done = subprocess.run(
        [sys.executable, "-m", "todoctl", *command],
        env={**os.environ, "FORCE_COLOR": "1", "COLORTERM": "truecolor", "COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold green]$[/] [bold]todoctl {shlex.join(command)}[/]")
    console.print(Text.from_ansi(done.stdout))
    picture = console.export_svg(title="", theme=MONOKAI, unique_id=name)
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code, monospace", FONTS)
    (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


def screenshot(name: str, shown: Page | Locator, *, colours: int | None = None) -> None:
    """Keeps what is shown; text on a plain ground is smallest with few colours."""
    picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    if colours:
        picture = picture.quantize(colours, dither=Image.Dither.NONE).convert("RGB")
    picture.save(PICTURES / f"{name}.webp", quality=80, lossless=colours is not None, method=6)


def page(browser: BrowserContext) -> None:
    """The app's page, once for each scheme."""
    tab = browser.new_page()
    tab.set_viewport_size({"width": 1080, "height": 760})
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto(PAGE, wait_until="networkidle")
        screenshot(f"page-{scheme}", tab)


def report(browser: BrowserContext, file: Path) -> None:
    """The report's begin, the pages of one scenario, and the whole run to scale."""
    tab = browser.new_page()
    tab.set_viewport_size({"width": 1120, "height": 704})
    tab.goto(file.as_uri())
    screenshot("report", tab, colours=64)
    renewed = tab.get_by_role("region", name="renew")
    renewed.scroll_into_view_if_needed()
    tab.wait_for_load_state("networkidle")
    screenshot("report-renew", renewed)
    screenshot("report-timeline", tab.get_by_role("region", name="Timeline", exact=True), colours=64)


def main() -> None:
    """Brings up, looks, validates, looks, judges the same app from outside, and takes away."""
    PICTURES.mkdir(exist_ok=True)
    k3d = ["--cluster", "pictures"] if all(map(shutil.which, ("docker", "k3d"))) else []
    up = ["up", *k3d, "--port", PORT, "--image-url", "sample:"]
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place), launched() as chromium:
        os.environ["TODOCTL_HOME"] = f"{place}/home"
        browser = chromium.new_context(device_scale_factor=2, locale="en-GB", timezone_id="UTC")
        try:
            terminal("up", *up)
            page(browser)
            terminal("validate", "validate", "--html", "report.html")
            report(browser, Path(place) / "report.html")
            subprocess.run([sys.executable, "-m", "todoctl", *up, "--ttl", "20"], check=True)
            terminal("course", "validate", "--url", PAGE, "--ttl", "20")
        finally:
            terminal("down", "down")


if __name__ == "__main__":
    main()
