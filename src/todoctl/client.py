"""The app as targets and `status` ask it, over HTTP; none of it is an access."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from todoctl.errors import TodoctlError, UnavailableError

REQUEST_SECONDS = 15.0
"""Above the longest that the app lets a visitor wait for the image service."""

LOOK_SECONDS = 3.0
"""For what the app answers without the image service."""

MARK = "Content-Security-Policy"
"""A header that ingress controllers and load balancers do not answer with by themselves."""


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
        image = value["image"]
        return cls(
            status=value["status"],
            downloaded_at=value["downloaded_at"],
            expires_at=value["expires_at"],
            last_access_at=value["last_access_at"],
            ttl=value["ttl"],
            access_count=value["access_count"],
            image_access_count=value["image_access_count"],
            sha256=image["sha256"] if image else None,
            source=value["source"],
            last_error=value["last_error"],
        )


class SilentError(UnavailableError):
    """Nothing answered at all."""


class PageError(TodoctlError):
    """The app answered, but not as documented."""


class Client:
    """Asks the app at `url`; failures are `UnavailableError` or `PageError`, in one line."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        # Not the environment's proxies: the app is on this machine.
        # To load the certificates of authorities takes longer than most answers, and only HTTPS needs them.
        self._http = httpx.Client(
            base_url=url, trust_env=False, verify=url.startswith("https:"), transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, timeout: float = REQUEST_SECONDS
    ) -> httpx.Response:
        try:
            response = self._http.request(method, path, headers=headers, timeout=timeout)
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise self._unexpected(path, error.response) from None
        except httpx.HTTPError as error:
            raise self._silent(path, error) from None
        return response

    def _unexpected(self, path: str, response: httpx.Response) -> UnavailableError:
        """Who has answered is known by the headers that every answer of the app has (docs/contract.md)."""
        answered = f"answered {response.status_code} to {self.url}{path}"
        if MARK in response.headers:
            return UnavailableError(f"The app {answered}", fix="See 'todoctl logs'")
        server = response.headers.get("Server")
        return UnavailableError(
            f"Not the app, but {server or 'somebody else'} {answered}",
            fix="See 'todoctl status', or bring the app up on another port with --port",
        )

    def _silent(self, path: str, error: httpx.HTTPError) -> SilentError:
        return SilentError(
            f"The app does not answer at {self.url}{path}",
            why=str(error) or type(error).__name__,
            fix="See 'todoctl logs'; 'todoctl up' starts it again",
        )

    def find(self) -> None:
        """Raises where nothing answers, whatever it would say."""
        try:
            self._http.get("/healthz", timeout=REQUEST_SECONDS)
        except httpx.HTTPError as error:
            raise self._silent("/healthz", error) from None

    def is_ready(self) -> bool:
        """Whether page views may be sent; False too where nothing answers."""
        try:
            self._ask("GET", "/readyz", timeout=LOOK_SECONDS)
        except UnavailableError:
            return False
        return True

    def find_page(self) -> None:
        """Raises where the app's page is not there; asked without viewing it, so never an access.

        On a connection of its own: one that was made before a starting cluster's services were routed
        leads elsewhere for as long as it lasts.
        """
        response = self._ask("HEAD", "/", headers={"Connection": "close"}, timeout=LOOK_SECONDS)
        if MARK not in response.headers:
            raise self._unexpected("/", response)

    def state(self) -> CacheState:
        """The cache's state; never an access."""
        try:
            return CacheState.from_json(self._ask("GET", "/api/cache").json())
        except (ValueError, KeyError, TypeError) as error:
            raise PageError(
                "/api/cache is not the documented one",
                why=repr(error),
                fix=f"Is it todoctl's app that answers at {self.url}?",
            ) from None
