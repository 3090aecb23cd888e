"""The page: from a state of the cache to HTML. What it must say is in `docs/contract.md`."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from todoapp.policy import Picture, State, Status, expires_at, status

STATIC = Path(__file__).with_name("static")
"""What the page loads: style, script, icon and placeholder."""

SAMPLES = Path(__file__).with_name("samples")
"""The bundled pictures, for machines without internet."""

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

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""What is shown of a later moment, which no date can name: a CACHE_TTL has no upper limit."""


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, _LAST), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _utc(moment: float) -> str:
    iso = _iso(moment)
    return f"{iso[:10]} {iso[11:19]} UTC"


_environment.filters.update(iso=_iso, utc=_utc)
_template = _environment.get_template("index.html")

_VARYING = re.compile(rb"\0(\w+)\0")
"""How the template leaves room for what is another one in every page view."""


def render(state: State, *, now: float, ttl: float) -> bytes:
    """The page that answers the page view which led to `state`, at `now`."""
    form = _form(state._replace(access_count=0, image_access_count=0), now, ttl)
    return form % (state.access_count, state.image_access_count)


@lru_cache(maxsize=8)
def _form(state: State, now: float, ttl: float) -> bytes:
    """All page views of one commit differ in two counts only, which `%` fills in, the site's first."""
    expires, seen = expires_at(state, ttl), state.last_access_at
    varying = {
        b"now": _iso(now).encode(),
        b"left": b"%.3f" % (0.0 if expires is None else min(max(expires - now, 0.0), ttl)),
        b"access_count": b"%d",
        b"image_access_count": b"%d",
        b"seen_iso": b"" if seen is None else _iso(seen).encode(),
        b"seen_utc": b"" if seen is None else _utc(seen).encode(),
    }
    frame = _frame(
        picture=state.picture,
        downloaded_at=state.downloaded_at,
        expires=expires,
        status=status(state, now, ttl),
        ttl=ttl,
        unseen=seen is None,
    )
    return _VARYING.sub(lambda found: varying.get(found[1], found[0]), frame)


@lru_cache(maxsize=8)
def _frame(
    *,
    picture: Picture | None,
    downloaded_at: float | None,
    expires: float | None,
    status: Status,
    ttl: float,
    unseen: bool,
) -> bytes:
    """The page with room for what varies; to render all of it would take longer than the rest."""
    html = _template.render(
        picture=picture,
        downloaded_at=downloaded_at,
        expires=expires,
        status=status,
        ttl=ttl,
        unseen=unseen,
        words=WORDS,
        next=NEXT,
        varying="\0{}\0".format,
    )
    return html.replace("%", "%%").encode()
