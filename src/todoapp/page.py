"""The page: from a state of the cache to HTML. What it must say is in `docs/contract.md`."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

from todoapp.policy import State, Status, expires_at, status

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

_TEMPLATE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8").replace("%", "%%"))
"""What is put into it is HTML already, and a format of `%`."""

_NEXTS, _WORDS = (escape(json.dumps(texts)) for texts in (NEXT, WORDS))
"""For attributes, which the script reads."""

_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""What is shown of a later moment, which no date can name: a CACHE_TTL has no upper limit."""


def render(state: State, *, now: float, ttl: float) -> bytes:
    """The page that answers the page view which led to `state`, at `now`."""
    form = _form(state._replace(access_count=0, image_access_count=0), now, ttl)
    return form % (state.access_count, state.image_access_count)


@lru_cache(maxsize=8)
def _form(state: State, now: float, ttl: float) -> bytes:
    """All page views of one commit differ in two counts only, which `%` fills in, the site's first."""
    expires, shown = expires_at(state, ttl), status(state, now, ttl)
    source, description = "/static/placeholder.svg", "There is no picture yet"
    if state.picture and state.downloaded_at is not None:
        source = f"/image?v={state.picture.sha256[:16]}"
        description = f"Picture of the moment, downloaded {_utc(state.downloaded_at)}"
    parts = {
        "source": escape(source),
        "description": description,
        "now": _iso(now),
        "nexts": _NEXTS,
        "ttl": str(ttl),
        "left": f"{0.0 if expires is None else min(max(expires - now, 0.0), ttl):.3f}",
        "countdown": f"Valid until {_time(expires)}" if shown is Status.VALID else "",
        "next": escape(NEXT[shown]),
        "status": shown,
        "words": _WORDS,
        "downloaded": _time(state.downloaded_at),
        "expires": _time(expires),
        "seen": _time(state.last_access_at),
        "word": escape(WORDS[shown]),
    }
    plain = {name: part.replace("%", "%%") for name, part in parts.items()}
    return _TEMPLATE.substitute(plain, site_count="%d", image_count="%d").encode()


def _time(moment: float | None) -> str:
    return "–" if moment is None else f'<time datetime="{_iso(moment)}">{_utc(moment)}</time>'


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, _LAST), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _utc(moment: float) -> str:
    iso = _iso(moment)
    return f"{iso[:10]} {iso[11:19]} UTC"
