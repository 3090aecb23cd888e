"""The HTTP side: which request gets which answer, as `docs/contract.md` lists them; and the page."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from todoapp import policy
from todoapp.cache import Cache, View
from todoapp.policy import State, Status

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
"""Sent with every answer, also with those that uvicorn gives by itself."""

HERE = Path(__file__).parent
TEMPLATE = (HERE / "page.html").read_text(encoding="utf-8")

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

    async def page(request: Request) -> Response:
        seen = await (cache.look() if request.method == "HEAD" else cache.view())
        return HTMLResponse(render(seen, cache.ttl), headers=NO_STORE)

    async def image(request: Request) -> Response:
        await cache.look()  # another process may have replaced the picture
        content, picture = cache.held.content, cache.held.state.picture
        if content is None or picture is None:
            headers = {"retry-after": RETRY_AFTER} | NO_STORE
            return PlainTextResponse("no picture yet\n", status_code=503, headers=headers)
        etag = f'"{picture.sha256}"'
        headers = {"etag": etag, "cache-control": "no-cache"}
        known = request.headers.getlist("if-none-match")  # RFC 9110, 13.1.2: weak comparison
        if any(etag in tags or tags.strip() == "*" for tags in known):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=picture.content_type, headers=headers)

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
    html = _render(state._replace(access_count=0, image_access_count=0), now, ttl)
    html = html.replace("{site_count}", str(state.access_count))
    return html.replace("{image_count}", str(state.image_access_count))


@lru_cache(maxsize=8)
def _render(state: State, now: float, ttl: float) -> str:
    """Returns the page but for its counts, in which alone the views of one turn differ."""
    expires, shown = policy.expires_at(state, ttl), policy.status(state, now, ttl)
    source, description = "/static/placeholder.svg", "There is no picture yet"
    if state.picture and state.downloaded_at is not None:
        source = f"/image?v={state.picture.sha256[:16]}"
        description = f"Picture of the moment, downloaded {_utc(state.downloaded_at)}"
    return TEMPLATE.format(
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
        site_count="{site_count}",
        image_count="{image_count}",
        seen=_time(state.last_access_at),
        word=WORDS[shown],
    )


_NEXTS, _WORDS = (escape(json.dumps(texts)) for texts in (NEXT, WORDS))  # the page's script reads them


def _time(moment: float | None) -> str:
    return "–" if moment is None else f'<time datetime="{_iso(moment)}">{_utc(moment)}</time>'


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, LAST_DATE), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _utc(moment: float) -> str:
    iso = _iso(moment)
    return f"{iso[:10]} {iso[11:19]} UTC"
