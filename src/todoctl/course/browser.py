"""A visit by an installed Chromium, for pages that show their picture after JavaScript ran.

The bytes are those of the page load itself: nothing is asked for twice. The page is kept as the browser had
it in the end.
"""

import base64
import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from todoctl.course.visitor import write_down
from todoctl.errors import UnavailableError
from todoctl.evidence import pictures
from todoctl.evidence.history import History, Role
from todoctl.evidence.http import Got

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Error, Page, Playwright, Response

ROOT = 0
"""The user for whom Chromium has no sandbox. Anyone else's keeps the pages of strangers in it."""

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOAD_MS, IDLE_MS, PICTURE_MS = 30_000, 3_000, 8_000
"""How long the page may take to load, to come to rest, to show a picture."""

NO_PICTURE = "The page's HTML has no picture, as where JavaScript shows it"
INSTALL = (
    "Install Chromium and todoctl's extra (pip install 'todoctl[browser]'), "
    "or name the picture's address with --image"
)

SHOWN = f"""() => [...document.images].filter(image => image.complete
  && Math.min(image.naturalWidth, image.naturalHeight) >= {pictures.MIN_SIDE}
  && !/\\.svg([?#]|$)|^data:image\\/svg/i.test(image.currentSrc)).map(image => image.currentSrc)"""

CONTENT = """async source => {
  const bytes = new Uint8Array(await (await fetch(source)).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""
"""Of a `blob:`, which is in the page's memory: nothing is asked for."""


class BrowserVisitor:
    """Opens the page in a context of its own each time: no cookies, no cache."""

    def __init__(self, url: str, history: History) -> None:
        """Raises `UnavailableError` where there is no browser."""
        self._url, self._history = url, history
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._open()

    def _open(self) -> "Browser":
        if self._browser and not self._browser.is_connected():
            self.close()  # it has crashed
        if self._browser is None:
            try:
                from playwright.sync_api import Error, sync_playwright
            except ImportError:
                raise UnavailableError(NO_PICTURE, fix=INSTALL) from None
            path = next((path for name in INSTALLED if (path := shutil.which(name))), None)
            try:
                self._playwright = sync_playwright().start()
            except Exception as error:  # noqa: BLE001 - where its driver does not run it raises no other
                raise UnavailableError(
                    "Playwright's driver does not run", why=str(error), fix="On Debian install libatomic1"
                ) from None
            try:
                self._browser = self._playwright.chromium.launch(
                    executable_path=path, args=FLAGS, chromium_sandbox=os.geteuid() != ROOT
                )
            except Error as error:
                self.close()
                if path is None:
                    raise UnavailableError(NO_PICTURE, fix=INSTALL) from None
                raise UnavailableError(
                    f"{path} does not start",
                    why=_reason(error),
                    fix="Or name the picture's address with --image",
                ) from None
        return self._browser

    def rest(self) -> None:
        """Ends the browser; the next visit starts one again."""
        self.close()

    def close(self) -> None:
        """Ends the browser, if it has not been ended by a Ctrl-C."""
        from playwright.sync_api import Error

        with suppress(Error):
            if self._browser:
                self._browser.close()
        with suppress(Error):
            if self._playwright:
                self._playwright.stop()
        self._browser = self._playwright = None

    def visit(self, number: int, phase: str) -> None:
        from playwright.sync_api import Error

        answers: list[Response] = []
        context = self._open().new_context(locale="en-GB")
        got, address, picture = Got(begin=time.time()), "", None
        try:
            page = context.new_page()
            page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - it gets attributes
            answer = page.goto(self._url, wait_until="load", timeout=LOAD_MS)
            if answer:
                got.status, got.headers = answer.status, list(answer.headers.items())
            address = _wait(page)
            if not address:
                address = next((seen.url for seen in reversed(answers) if _is_picture(seen)), "")
            picture = _picture(page, address, answers, got.begin) if address else None
            got.body = page.content().encode()
        except Error as error:
            got.error = error.message.split("\n")[0]
        finally:
            with suppress(Error):
                context.close()
        got.end = time.time()
        write_down(self._history, got, role=Role.PAGE, visit=number, phase=phase, address=self._url)
        if picture:
            write_down(self._history, picture, role=Role.PICTURE, visit=number, phase=phase, address=address)


def _reason(error: "Error") -> str:
    """Why Chromium has not started, in its own words where there are any."""
    said = [line.strip() for line in error.message.splitlines() if line.strip()]
    return next((line for line in said if "FATAL" in line or "ERROR" in line), said[0])[:300]


def _wait(page: "Page") -> str:
    """The address of the first picture that is shown, when the page has come to rest; empty: none."""
    from playwright.sync_api import TimeoutError as TooLateError

    with suppress(TooLateError):
        page.wait_for_load_state("networkidle", timeout=IDLE_MS)
    with suppress(TooLateError):
        page.wait_for_function(f"({SHOWN})().length > 0", timeout=PICTURE_MS)
    found: list[str] = page.evaluate(SHOWN)
    return found[0] if found else ""


def _is_picture(answer: "Response") -> bool:
    """Whether this can be the picture where no `<img>` shows one: a background, a canvas."""
    from playwright.sync_api import Error

    kind = answer.headers.get("content-type", "")
    if not kind.startswith("image/") or "svg" in kind or answer.status != 200:
        return False
    with suppress(Error):
        return not pictures.fault(answer.body())
    return False


def _picture(page: "Page", address: str, answers: "list[Response]", begin: float) -> Got:
    """What the browser has got from `address` in this visit."""
    got = Got(begin=begin, status=200, end=max((_times(answer)[1] for answer in answers), default=begin))
    inside = pictures.from_data_url(address)
    if inside:
        got.headers, got.body = [("content-type", inside[0])], inside[1]
        return got
    if address.startswith("blob:"):
        got.body = base64.b64decode(page.evaluate(CONTENT, address))
        return got
    for answer in answers:
        if _leads_to(answer, address):
            began, got.end = _times(answer)
            got.begin = max(begin, began)
            got.status, got.headers, got.body = answer.status, list(answer.headers.items()), answer.body()
            return got
    return Got(begin=begin, end=time.time(), error=f"the browser shows {address[:100]} without a request")


def _leads_to(answer: "Response", address: str) -> bool:
    """Whether this is the last answer of a request to `address`, which may have been sent elsewhere."""
    if 300 <= answer.status < 400:
        return False
    request: Any = answer.request
    while request is not None:
        if request.url == address.partition("#")[0]:
            return True
        request = request.redirected_from
    return False


def _times(answer: "Response") -> tuple[float, float]:
    """When it was asked for, and when all of it was there; the browser has that in milliseconds."""
    timing = answer.request.timing
    began = timing["startTime"] / 1000
    return began, began + timing["responseEnd"] / 1000 if timing["responseEnd"] > 0 else time.time()
