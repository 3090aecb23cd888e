"""The HTTP side: which request gets which answer, as `docs/contract.md` lists them; and the page."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from todoapp import policy
from todoapp.cache import Cache, View
from todoapp.policy import Status

HERE = Path(__file__).parent
TEMPLATE = Template((HERE / "page.html").read_text(encoding="utf-8"))

NO_STORE = {"cache-control": "no-store"}

RETRY_AFTER = "5"
"""Seconds until it may be worth asking for a picture again where there is none."""

WORDS = {
    Status.EMPTY: "No picture yet",
    Status.VALID: "Valid",
    Status.EXPIRED: "Expired",
    Status.GRACE: "Grace period",
    Status.STALE: "Old picture kept",
}
"""How the page names each status."""

NEXT = {
    Status.EMPTY: "The image service has sent nothing yet. The next visit asks it again.",
    Status.VALID: "The next visit shows this picture again.",
    Status.EXPIRED: "The next visit shows this picture one last time.",
    Status.GRACE: "The next visit brings a new picture.",
    Status.STALE: "The image service failed. The next visit asks it again.",
}
"""What the next page view brings in each status."""

LAST_DATE = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""What is shown of a later moment, which no date can name: a CACHE_TTL has no upper limit."""


def build(cache: Cache, source: str) -> Starlette:
    """Returns the app around `cache`; `source` is the IMAGE_URL that it shows.

    `app.state.ready` is whether page views should be sent to this process.
    """
    pictures = Pictures(cache)

    async def page(request: Request) -> Response:
        seen = await (cache.look() if request.method == "HEAD" else cache.view())
        return HTMLResponse(render(seen, cache.ttl), headers=NO_STORE)

    async def image(request: Request) -> Response:
        return await pictures.answer(request)

    async def state(_: Request) -> Response:
        return JSONResponse(describe(await cache.look(), cache, source), headers=NO_STORE)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if app.state.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: starting or stopping\n", status_code=503)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await cache.start()
        app.state.ready = True
        yield
        app.state.ready = False
        await cache.close()

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/image", image),
            Route("/api/cache", state),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it would send visitors to the Host that they name
    app.state.ready = False
    return app


class Pictures:
    """Answers with the picture's bytes, by responses that are made once for each picture."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._content: bytes | None = None
        self._etag = ""
        self._whole = self._unchanged = Response()

    async def answer(self, request: Request) -> Response:
        """Returns the picture, 304 where the visitor has it already, 503 while there is none."""
        # Who names the picture that is held gets it at once; else another process may have a newer one.
        if not (self._etag and request.query_params.get("v") == self._etag[1:17]):
            await self._cache.look()
        content, picture = self._cache.held.content, self._cache.held.state.picture
        if content is None or picture is None:
            headers = {"retry-after": RETRY_AFTER} | NO_STORE
            return PlainTextResponse("no picture yet\n", status_code=503, headers=headers)
        if content is not self._content:
            self._content, self._etag = content, f'"{picture.sha256}"'
            headers = {"etag": self._etag, "cache-control": "no-cache"}
            self._whole = Response(content, media_type=picture.content_type, headers=headers)
            self._unchanged = Response(status_code=304, headers=headers)
        return self._unchanged if self._is_known(request) else self._whole

    def _is_known(self, request: Request) -> bool:
        """Whether If-None-Match means this entity tag (RFC 9110, 13.1.2: weak comparison)."""
        fields = request.headers.getlist("if-none-match")
        return any(self._etag in field or field.strip() == "*" for field in fields)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the one that it is registered for
    allow = {"allow": "GET, HEAD"} if error.status_code == 405 else {}
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=allow)


def describe(seen: View, cache: Cache, source: str) -> dict[str, object]:
    """Returns what `/api/cache` answers."""
    state = seen.state
    return {
        "status": policy.status(state, seen.at, cache.ttl),
        "downloaded_at": state.downloaded_at,
        "expires_at": policy.expires_at(state, cache.ttl),
        "last_access_at": state.last_access_at,
        "ttl": cache.ttl,
        "grace_used": state.grace_used,
        "access_count": state.access_count,
        "image_access_count": state.image_access_count,
        "image": state.picture and state.picture._asdict(),
        "source": source,
        "last_error": cache.error_of(state),
    }


def render(seen: View, ttl: float) -> str:
    """Returns the page, as HTML, that answers the page view `seen`."""
    state, now = seen
    expires, shown = policy.expires_at(state, ttl), policy.status(state, now, ttl)
    source, description = "/static/placeholder.svg", "There is no picture yet"
    if state.picture and state.downloaded_at is not None:
        source = f"/image?v={state.picture.sha256[:16]}"
        description = f"Picture of the moment, downloaded {_utc(state.downloaded_at)}"
    return TEMPLATE.substitute(
        source=escape(source),
        description=description,
        now=_iso(now),
        nexts=_NEXTS,
        ttl=ttl,
        left=f"{0.0 if expires is None else min(max(expires - now, 0.0), ttl):.3f}",
        countdown=f"Valid until {_time(expires)}" if shown is Status.VALID else "",
        next=NEXT[shown],
        status=shown,
        words=_WORDS,
        downloaded=_time(state.downloaded_at),
        expires=_time(expires),
        site_count=state.access_count,
        image_count=state.image_access_count,
        seen=_time(state.last_access_at),
        word=WORDS[shown],
    )


_NEXTS, _WORDS = (escape(json.dumps(texts)) for texts in (NEXT, WORDS))
"""For attributes, which the page's script reads."""


def _time(moment: float | None) -> str:
    return "–" if moment is None else f'<time datetime="{_iso(moment)}">{_utc(moment)}</time>'


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, LAST_DATE), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _utc(moment: float) -> str:
    iso = _iso(moment)
    return f"{iso[:10]} {iso[11:19]} UTC"
