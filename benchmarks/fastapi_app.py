"""The same job the usual way: FastAPI, aiohttp and Jinja2, one plain file rewritten at every view.

`python fastapi_app.py PORT CACHE_DIR IMAGE_URL`; what a start and the memory are compared with.
"""

import json
import sys
import time
from pathlib import Path

import aiohttp
import jinja2
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

CACHE_DIR, IMAGE_URL, TTL = Path(sys.argv[2]), sys.argv[3], 600.0
PICTURE, METADATA = CACHE_DIR / "cached_image.jpg", CACHE_DIR / "cache_metadata.json"

app = FastAPI()
template = jinja2.Environment(autoescape=True).from_string(
    "<!doctype html><title>The Project App</title><h1>The Project App</h1><img src=/image>"
    "<dl>{% for key, value in state.items() %}<dt>{{ key }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>"
)


@app.get("/")
async def page() -> HTMLResponse:
    """The page: valid, one grace view, then a new picture."""
    state = json.loads(METADATA.read_text()) if METADATA.exists() else {"access_count": 0}
    now = time.time()
    expired = now >= state.get("download_timestamp", 0) + TTL
    if not PICTURE.exists() or (expired and state.get("grace_period_used")):
        async with aiohttp.ClientSession() as session, session.get(IMAGE_URL) as answer:
            PICTURE.write_bytes(await answer.read())
        state |= {"download_timestamp": now, "grace_period_used": False}
    elif expired:
        state["grace_period_used"] = True
    state |= {"access_count": state["access_count"] + 1, "last_access_time": now}
    METADATA.write_text(json.dumps(state))
    return HTMLResponse(template.render(state=state))


@app.get("/image")
async def image() -> Response:
    """The picture."""
    return Response(PICTURE.read_bytes(), media_type="image/jpeg")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
