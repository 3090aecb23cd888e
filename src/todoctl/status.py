"""`status`: what is up, and what its cache holds."""

from datetime import datetime
from typing import Any

from todoctl.client import Client
from todoctl.errors import TodoctlError
from todoctl.settings import seconds
from todoctl.target import Target, require_settings


def status(target: Target) -> dict[str, Any]:
    """Facts by name, in the order in which they are shown; `Answers` is `yes` or why not."""
    settings = require_settings(target)
    facts: dict[str, Any] = {
        "Target": target.name,
        "URL": target.page(settings),
        "Pictures from": settings.image_url,
        "Valid for": f"{seconds(settings.ttl)} s",
        **target.details(),
    }
    try:
        with Client(target.page(settings)) as client:
            state = client.state()
    except TodoctlError as error:
        return {**facts, "Answers": str(error)}
    return {
        **facts,
        "Answers": "yes",
        "Status": state.status,
        "Picture": f"SHA-256 {state.sha256}" if state.sha256 else "none yet",
        "Downloaded": _clock(state.downloaded_at),
        "Expires": _clock(state.expires_at),
        "Last access": _clock(state.last_access_at),
        "Site count": state.access_count,
        "Image count": state.image_access_count,
        "Problem": state.last_error or "none",
    }


def _clock(moment: float | None) -> str:
    return "–" if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")
