"""The HTTP side: which request gets which answer. `docs/contract.md` lists them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todoapp import page, policy
from todoapp.cache import Cache
from todoapp.policy import Picture

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
"""Sent with every answer, also with those that never get here: `todoapp.server` adds them."""

RETRY_AFTER = "5"
"""Seconds until it may be worth asking for a picture again where there is none."""

Header = tuple[bytes, bytes]


class Readiness:
    """Whether page views should be sent to this process."""

    def __init__(self) -> None:
        self.ready = False


def app(cache: Cache, source: str, readiness: Readiness) -> ASGIApp:
    """The ASGI app around `cache`; `source` is the IMAGE_URL that it shows."""

    async def state(_: Request) -> Response:
        return JSONResponse(await _state(cache, source), headers={"cache-control": "no-store"})

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if readiness.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: starting or stopping\n", status_code=503)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await cache.start()
        readiness.ready = True
        yield
        readiness.ready = False
        await cache.close()

    page_endpoint, image_endpoint = PageEndpoint(cache), ImageEndpoint(cache)
    web = Starlette(
        routes=[
            Route("/", page_endpoint, methods=["GET"]),
            Route("/image", image_endpoint, methods=["GET"]),
            Route("/api/cache", state),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Mount("/static", StaticFiles(directory=page.STATIC)),
        ],
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
    web.router.redirect_slashes = False  # it would send visitors to the Host that they name
    hot: dict[str, ASGIApp] = {"/": page_endpoint, "/image": image_endpoint}

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        # Past Starlette's middleware and table of routes, which take longer than these two do.
        read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        endpoint = hot.get(scope["path"]) if read else None
        await (endpoint or web)(scope, receive, send)

    return dispatch


class PageEndpoint:
    """`/`: one page view, counted; HEAD shows only the headers and counts nothing."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one request (ASGI)."""
        seen = await (self._cache.look() if scope["method"] == "HEAD" else self._cache.view())
        body = page.render(seen.state, now=seen.at, ttl=self._cache.ttl)
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        await _answer(send, 200, headers, body)


class ImageEndpoint:
    """`/image`: the picture's bytes, with headers that are made once for each picture."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._content: bytes | None = None
        self._etag = b""
        self._whole: Message = {}
        self._unchanged: Message = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one request (ASGI)."""
        await self._cache.look_again()
        content, picture = self._cache.held.content, self._cache.held.state.picture
        if content is None or picture is None:
            headers = [(b"retry-after", RETRY_AFTER.encode()), (b"cache-control", b"no-store")]
            await _answer(send, 503, headers, b"no picture yet\n")
            return
        if content is not self._content:
            self._prepare(content, picture)
        if _matches(scope["headers"], self._etag):
            await send(self._unchanged)
            await send({"type": "http.response.body"})
        else:
            await send(self._whole)
            await send({"type": "http.response.body", "body": content})

    def _prepare(self, content: bytes, picture: Picture) -> None:
        self._content = content
        self._etag = b'"%s"' % picture.sha256.encode()
        validators = [(b"etag", self._etag), (b"cache-control", b"no-cache")]
        self._unchanged = _start(304, validators)
        about = [
            (b"content-type", picture.content_type.encode()),
            (b"content-length", b"%d" % picture.size),
        ]
        self._whole = _start(200, about + validators)


def _matches(headers: list[Header], etag: bytes) -> bool:
    """Whether If-None-Match means this entity tag (RFC 9110, 13.1.2: weak comparison)."""
    for name, value in headers:
        if name == b"if-none-match" and (etag in value or value.strip() == b"*"):
            return True
    return False


def _start(status: int, headers: list[Header]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _answer(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body})


async def _state(cache: Cache, source: str) -> dict[str, object]:
    seen = await cache.look()
    state, picture = seen.state, seen.state.picture
    return {
        "status": policy.status(state, seen.at, cache.ttl),
        "downloaded_at": state.downloaded_at,
        "expires_at": policy.expires_at(state, cache.ttl),
        "last_access_at": state.last_access_at,
        "ttl": cache.ttl,
        "grace_used": state.grace_used,
        "access_count": state.access_count,
        "image_access_count": state.image_access_count,
        "image": picture
        and {
            "sha256": picture.sha256,
            "content_type": picture.content_type,
            "size": picture.size,
        },
        "source": source,
        "last_error": cache.last_error,
    }


async def _refused(_: Request, error: Exception) -> Response:
    refusal = cast("HTTPException", error)
    allow = {"allow": "GET, HEAD"} if refusal.status_code == 405 else {}
    return PlainTextResponse(f"{refusal.detail}\n", refusal.status_code, headers=allow)
