"""A visit by an installed Chromium, for pages that show their picture after JavaScript ran.

The bytes are those of the page load itself: nothing is asked for twice. The page is kept as the browser had
it in the end.
"""

import base64
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from todoctl.course.visit import Notes, Visited
from todoctl.errors import UnavailableError
from todoctl.evidence import pictures
from todoctl.evidence.history import Role
from todoctl.evidence.http import Got, Reach, redacted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, Route

ROOT = 0
"""The user for whom Chromium has no sandbox. Anyone else's keeps the pages of strangers in it."""

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update")
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
"""Of a `blob:`, which is in the page's memory: nothing is asked for, and no answer has its bytes."""


class BrowserVisitor:
    """Opens the page in a context of its own each time: no cookies, no cache."""

    def __init__(self, url: str, reach: Reach, notes: Notes, *, sandbox: bool) -> None:
        """Raises `UnavailableError` where there is no browser, or no `sandbox` though there is to be one."""
        self._url, self._reach, self._notes, self._sandbox = url, reach, notes, sandbox
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._open()

    def _open(self) -> "Browser":
        if self._browser and self._browser.is_connected():
            return self._browser
        self.close()  # it may have crashed
        try:
            from playwright.sync_api import sync_playwright
        except ImportError:
            raise UnavailableError(NO_PICTURE, fix=INSTALL) from None
        if self._sandbox and os.geteuid() == ROOT:
            raise UnavailableError(
                "The page needs a browser, and Chromium has no sandbox for root to keep it in",
                fix="Run todoctl as another user, name the picture's address with --image, or add "
                "--no-sandbox where you trust the app",
            )
        path = next((path for name in INSTALLED if (path := shutil.which(name))), None)
        try:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=path, args=FLAGS, chromium_sandbox=self._sandbox
            )
        except Exception as error:  # noqa: BLE001 - where its driver does not run, Playwright raises no other
            self.close()
            if path is None and "Executable doesn't exist" in str(error):
                raise UnavailableError(NO_PICTURE, fix=INSTALL) from None
            raise UnavailableError(
                f"The browser ({path or 'that of Playwright'}) does not start",
                why=_reason(str(error)),
                fix="Install what it lacks (on Debian, Playwright itself needs libatomic1), "
                "or name the picture's address with --image",
            ) from None
        return self._browser

    def close(self) -> None:
        """Ends the browser, which costs memory; the next visit starts one again."""
        with suppress(Exception):  # a Ctrl-C has ended it
            if self._browser:
                self._browser.close()
        with suppress(Exception):
            if self._playwright:
                self._playwright.stop()
        self._browser = self._playwright = None

    def visit(self) -> Visited | None:
        """Visits the page; returns None where there is none."""
        from playwright.sync_api import Error

        got, found = Got(begin=self._notes.now()), dict[str, Got]()
        context = self._context()
        try:
            load = _Load(context.new_page(), self._notes)
            answer = load.page.goto(redacted(self._url), wait_until="load", timeout=LOAD_MS)
            if answer:
                got.status, got.headers = answer.status, list(answer.headers.items())
            found = {address: picture for address in load.shown() if (picture := load.picture(address))}
            got.body = load.page.content().encode()
        except Error as error:
            got.error = redacted(error.message.split("\n")[0])
        finally:
            with suppress(Error):
                context.close()
        got.end = self._notes.now()
        self._notes.add(got, redacted(self._url), Role.PAGE, agent=AGENT)
        for address, picture in found.items():
            self._notes.add(picture, address, Role.PICTURE, agent=AGENT)
        return None if got.error or got.status != 200 else Visited(tuple(found), scripts=True)

    def _context(self) -> "BrowserContext":
        parts = urlsplit(self._url)
        login: Any = None
        if parts.username:
            login = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
            login["origin"] = f"{parts.scheme}://{redacted(self._url).split('/')[2]}"
        context = self._open().new_context(locale="en-GB", http_credentials=login)
        context.route("**/*", self._admit)
        return context

    def _admit(self, route: "Route") -> None:
        """Lets the page load what a visitor over HTTP could, and nothing from networks inside."""
        if self._reach.refusal(route.request.url):
            route.abort()
        else:
            route.continue_()


class _Load:
    """One page while it loads: its answers, and when (by the run's clock) each was asked for and there."""

    def __init__(self, page: "Page", notes: Notes) -> None:
        self.page, self._begin = page, notes.now()
        self._answers: list[Response] = []
        self._asked: dict[Any, float] = {}
        self._ended: dict[Any, float] = {}
        page.on("response", lambda answer: self._answers.append(answer))  # noqa: PLW0108 - it gets attributes
        page.on("request", lambda request: self._asked.update({request: notes.now()}))
        page.on("requestfinished", lambda request: self._ended.update({request: notes.now()}))

    def shown(self) -> list[str]:
        """The addresses of the pictures that are shown when the page has come to rest."""
        from playwright.sync_api import TimeoutError as TooLateError

        with suppress(TooLateError):
            self.page.wait_for_load_state("networkidle", timeout=IDLE_MS)
        with suppress(TooLateError):
            self.page.wait_for_function(f"({SHOWN})().length > 0", timeout=PICTURE_MS)
        found: list[str] = self.page.evaluate(SHOWN)
        drawn = [answer.url for answer in self._answers if _is_picture(answer)]  # on a canvas, maybe
        return found or drawn[-1:]

    def picture(self, address: str) -> Got | None:
        """What the browser has got from `address`; None where it asked for nothing there."""
        got = Got(begin=self._begin, end=max(self._ended.values(), default=self._begin), status=200)
        inside = pictures.from_data_url(address)
        if inside:
            got.headers, got.body = [("content-type", inside[0])], inside[1]
            return got
        if address.startswith("blob:"):
            got.body = base64.b64decode(self.page.evaluate(CONTENT, address))
            return got
        answer = next((one for one in self._answers if _leads_to(one, address)), None)
        if not answer:
            return None
        got.begin = self._asked.get(answer.request, self._begin)
        got.end = self._ended.get(answer.request, got.end)
        got.status, got.headers, got.body = answer.status, list(answer.headers.items()), answer.body()
        return got


def _is_picture(answer: "Response") -> bool:
    kind = answer.headers.get("content-type", "")
    return answer.status == 200 and kind.startswith("image/") and "svg" not in kind


def _leads_to(answer: "Response", address: str) -> bool:
    """Whether this is the last answer of a request to `address`, which may have been sent elsewhere."""
    request: Any = None if 300 <= answer.status < 400 else answer.request
    while request is not None and request.url != address.partition("#")[0]:
        request = request.redirected_from
    return request is not None


def _reason(message: str) -> str:
    """Why Chromium has not started, in its own words where there are any."""
    said = [line.strip() for line in message.splitlines() if line.strip()]
    return next((line for line in said if "FATAL" in line or "ERROR" in line), said[0])[:300]
