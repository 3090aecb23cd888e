"""The yardstick: Starlette and uvicorn answering constant bytes. `python bare_app.py PORT PICTURE`."""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ETAG = '"constant"'
PICTURE = Path(sys.argv[2]).read_bytes()
PAGE = b"x" * 2700  # as long as the app's page


async def page(_: Request) -> Response:
    """As many bytes as a page."""
    return Response(PAGE, media_type="text/html")


async def image(request: Request) -> Response:
    """The picture, or 304."""
    if request.headers.get("if-none-match") == ETAG:
        return Response(status_code=304, headers={"etag": ETAG})
    return Response(PICTURE, media_type="image/jpeg", headers={"etag": ETAG})


app = Starlette(routes=[Route("/", page), Route("/image", image)])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
