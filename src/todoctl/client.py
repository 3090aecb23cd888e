"""The app as targets and `status` ask it, over HTTP; none of it is an access."""

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.settings import without_password

if TYPE_CHECKING:
    import httpx

    from todoctl.evidence.http import Got

REQUEST_SECONDS = 15.0
"""Above the longest that the app lets a visitor wait for the image service."""

LOOK_SECONDS = 3.0
"""For what the app answers without the image service."""

APP_HEADER = "content-security-policy"
"""Every answer of the app has it (docs/contract.md), none that ingress controllers make by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheState:
    """`GET /api/cache` (docs/contract.md): times in epoch seconds, `sha256` None without a picture."""

    status: str
    downloaded_at: float | None
    expires_at: float | None
    last_access_at: float | None
    ttl: float
    access_count: int
    image_access_count: int
    sha256: str | None
    source: str
    last_error: str | None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises `KeyError` or `TypeError` where the answer is not that of the contract."""
        given = {one.name: value[one.name] for one in fields(cls) if one.name != "sha256"}
        sha256 = value["image"]["sha256"] if value["image"] else None
        return cls(**{**given, "source": without_password(value["source"])}, sha256=sha256)


class SilentError(UnavailableError):
    """Nothing answered at all."""


class PageError(TodoctlError):
    """The app answered, but not as documented."""


class Client:
    """Asks the app at `url`; failures are `UnavailableError` or `PageError`, in one line."""

    def __init__(self, url: str, transport: "httpx.BaseTransport | None" = None) -> None:
        from todoctl.evidence import http  # what it needs takes longer to load than most commands need

        self.url = http.redacted(url)
        # A connection each: one that was made before a starting cluster's services were routed leads
        # elsewhere for as long as it lasts.
        self._http = http.Client(url, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, seconds: float = REQUEST_SECONDS) -> "Got":
        """Returns an answer with status 200."""
        got = self._answer(method, path, seconds)
        if got.status != 200:
            raise self._unexpected(path, got)
        return got

    def _answer(self, method: str, path: str, seconds: float) -> "Got":
        """Returns any answer."""
        got = self._http.fetch(method, f"{self.url}{path}", seconds=seconds)
        if got.error:
            raise SilentError(
                f"The app does not answer at {self.url}{path}",
                why=got.error,
                fix="See 'todoctl logs'; 'todoctl up' starts it again",
            )
        return got

    def _unexpected(self, path: str, got: "Got") -> UnavailableError:
        """Says who has answered instead of the app."""
        answered = f"answered {got.status} to {self.url}{path}"
        headers = {name.lower(): value for name, value in got.headers}
        if APP_HEADER in headers:
            return UnavailableError(f"The app {answered}", fix="See 'todoctl logs'")
        if got.status in {301, 302, 307, 308} and headers.get("location", "").startswith("https://"):
            return UnavailableError(
                f"{self.url}{path} leads on to https",
                why="todoctl asks for the page by http only",
                fix="Let the ingress serve http too; for ingress-nginx: annotation ssl-redirect: 'false'",
            )
        return UnavailableError(
            f"Not the app, but {headers.get('server') or 'somebody else'} {answered}",
            fix="See 'todoctl status', or bring the app up on another port with --port",
        )

    def find(self) -> None:
        """Raises where nothing answers, whatever it would say."""
        self._answer("GET", "/healthz", REQUEST_SECONDS)

    def is_ready(self) -> bool:
        """Whether page views may be sent; False too where nothing answers."""
        try:
            self._ask("GET", "/readyz", LOOK_SECONDS)
        except UnavailableError:
            return False
        return True

    def find_page(self) -> None:
        """Raises where the app's page is not there; asked without viewing it, so never an access."""
        got = self._ask("HEAD", "/", LOOK_SECONDS)
        if APP_HEADER not in {name.lower() for name, _ in got.headers}:
            raise self._unexpected("/", got)

    def state(self) -> CacheState:
        """The cache's state; never an access."""
        try:
            return CacheState.from_json(json.loads(self._ask("GET", "/api/cache").body))
        except (ValueError, KeyError, TypeError) as error:
            raise PageError(
                "/api/cache is not the documented one",
                why=repr(error),
                fix=f"Is it todoctl's app that answers at {self.url}?",
            ) from None
