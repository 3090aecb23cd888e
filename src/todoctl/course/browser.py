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
from urllib.parse import unquote, urlsplit

from todoctl.course.visit import Notes, Visited
from todoctl.errors import UnavailableError
from todoctl.evidence import pictures
from todoctl.evidence.history import Role
from todoctl.evidence.http import Got, Reach, redacted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Error, Page, Playwright, Response, Route

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
AGENT = "HeadlessChrome"
"""By which a history says that a browser has asked."""

LOAD_MS, IDLE_MS, PICTURE_MS = 30_000, 3_000, 8_000
"""How long the page may take to load, to come to rest, to show a picture."""

NO_PICTURE = "The page's HTML has no picture, as where a script shows it, and there is no browser"
INSTALL = (
    "Install Chromium and todoctl's extra (pip install 'todoctl[browser]'), "
    "or name the picture's address with --image"
)

SHOWN = f"""() => {{
  const shown = [...document.images].filter(image => image.complete
    && Math.min(image.naturalWidth, image.naturalHeight) >= {pictures.MIN_SIDE}
    && !/\\.svg([?#]|$)|^data:image\\/svg/i.test(image.currentSrc)).map(image => image.currentSrc);
  for (const element of document.querySelectorAll("body, body *")) {{
    const found = getComputedStyle(element).backgroundImage.match(/url\\("([^"]+)"\\)/);
    if (found && element.clientWidth >= {pictures.MIN_SIDE}) shown.push(found[1]);
  }}
  return [...new Set(shown)];
}}"""
"""The addresses of the images, and of the backgrounds, that are large enough."""

CONTENT = """async source => {
  const bytes = new Uint8Array(await (await fetch(source)).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""
"""Of a `blob:`, which is in the page's memory: nothing is asked for."""


class BrowserVisitor:
    """Opens the page in a context of its own each time: no cookies, no cache."""

    def __init__(self, url: str, reach: Reach, notes: Notes, *, sandbox: bool) -> None:
        """Raises `UnavailableError` where there is no browser, or no `sandbox` though there is to be one."""
        self._url, self._reach, self._notes, self._sandbox = url, reach, notes, sandbox
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
            if self._sandbox and os.geteuid() == ROOT:
                self.close()
                raise UnavailableError(
                    "The page needs a browser, and Chromium has no sandbox for root to keep it in",
                    fix="Run todoctl as another user, name the picture's address with --image, or add "
                    "--no-sandbox where you trust the app",
                )
            try:
                self._browser = self._playwright.chromium.launch(
                    executable_path=path, args=FLAGS, chromium_sandbox=self._sandbox
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

    def visit(self, number: int, phase: str) -> Visited | None:
        from playwright.sync_api import Error

        clock, answers = self._notes.clock, list["Response"]()
        parts = urlsplit(self._url)
        login: Any = None
        if parts.username:
            login = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
            login["origin"] = f"{parts.scheme}://{redacted(self._url).split('/')[2]}"
        context = self._open().new_context(locale="en-GB", http_credentials=login)
        got, found = Got(begin=clock.now()), dict[str, Got]()
        try:
            context.route("**/*", self._admit)
            page = context.new_page()
            page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - it gets attributes
            answer = page.goto(redacted(self._url), wait_until="load", timeout=LOAD_MS)
            if answer:
                got.status, got.headers = answer.status, list(answer.headers.items())
            shown = _wait(page) or [seen.url for seen in reversed(answers) if _is_picture(seen)][:1]
            ahead = clock.now() - time.time()
            for address in shown:
                picture = _picture(page, address, answers, got.begin, ahead)
                if picture:
                    found[address] = picture
            got.body = page.content().encode()
        except Error as error:
            got.error = redacted(error.message.split("\n")[0])
        finally:
            with suppress(Error):
                context.close()
        got.end = clock.now()
        self._notes.request(got, redacted(self._url), role=Role.PAGE, visit=number, phase=phase, agent=AGENT)
        for address, picture in found.items():
            self._notes.request(picture, address, role=Role.PICTURE, visit=number, phase=phase, agent=AGENT)
        return None if got.error or got.status != 200 else Visited(tuple(found), scripts=True)

    def _admit(self, route: "Route") -> None:
        """Lets the page load what a visitor over HTTP could, and nothing from networks inside."""
        if self._reach.refusal(route.request.url):
            route.abort()
        else:
            route.continue_()


def _reason(error: "Error") -> str:
    """Why Chromium has not started, in its own words where there are any."""
    said = [line.strip() for line in error.message.splitlines() if line.strip()]
    return next((line for line in said if "FATAL" in line or "ERROR" in line), said[0])[:300]


def _wait(page: "Page") -> list[str]:
    """The addresses of the pictures that are shown when the page has come to rest."""
    from playwright.sync_api import TimeoutError as TooLateError

    with suppress(TooLateError):
        page.wait_for_load_state("networkidle", timeout=IDLE_MS)
    with suppress(TooLateError):
        page.wait_for_function(f"({SHOWN})().length > 0", timeout=PICTURE_MS)
    found: list[str] = page.evaluate(SHOWN)
    return found


def _is_picture(answer: "Response") -> bool:
    """Whether this can be the picture where no `<img>` shows one: a background, a canvas."""
    from playwright.sync_api import Error

    kind = answer.headers.get("content-type", "")
    if not kind.startswith("image/") or "svg" in kind or answer.status != 200:
        return False
    with suppress(Error):
        return not pictures.fault(answer.body())
    return False


def _picture(page: "Page", address: str, answers: "list[Response]", begin: float, ahead: float) -> Got | None:
    """What the browser has got from `address` in this visit; None where it asked for nothing there.

    `ahead` is how far the run's clock is ahead of the machine's.
    """
    end = max((_times(answer, ahead)[1] for answer in answers), default=begin)
    inside = pictures.from_data_url(address)
    if inside:
        return Got(begin=begin, end=end, status=200, headers=[("content-type", inside[0])], body=inside[1])
    if address.startswith("blob:"):
        body = base64.b64decode(page.evaluate(CONTENT, address))
        return Got(begin=begin, end=end, status=200, body=body)
    for answer in answers:
        if _leads_to(answer, address):
            began, end = _times(answer, ahead)
            headers = list(answer.headers.items())
            return Got(
                begin=max(begin, began), end=end, status=answer.status, headers=headers, body=answer.body()
            )
    return None


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


def _times(answer: "Response", ahead: float) -> tuple[float, float]:
    """When it was asked for, and when all of it was there; the browser has that in milliseconds."""
    timing = answer.request.timing
    began = timing["startTime"] / 1000 + ahead
    whole = timing["responseEnd"] > 0
    return began, began + timing["responseEnd"] / 1000 if whole else time.time() + ahead
