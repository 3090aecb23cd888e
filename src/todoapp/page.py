"""The page: from a state of the cache to HTML. What it must say is in `docs/contract.md`."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
    Status.STALE: "Image service failed, old picture kept",
}
"""How the page names each status."""

NEXT = {
    Status.EMPTY: "The image service has sent nothing yet. The next visit asks again.",
    Status.VALID: "The next visit shows this picture again.",
    Status.EXPIRED: "The next visit shows this picture one last time.",
    Status.GRACE: "The next visit brings a new picture.",
    Status.STALE: "The next visit asks for a new picture again.",
}
"""What the next page view brings in each status."""

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_environment.filters.update(iso=_iso, utc=_utc)
_template = _environment.get_template("index.html")


def render(state: State, *, now: float, ttl: float) -> bytes:
    """The page that answers the page view which led to `state`, at `now`."""
    return _template.render(
        state=state,
        status=status(state, now, ttl),
        expires=expires_at(state, ttl),
        now=now,
        ttl=ttl,
        words=WORDS,
        next=NEXT,
    ).encode()
