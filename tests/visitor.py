"""A visitor: a page view, or a look at the picture; raises `httpx.HTTPError` where neither is there."""

import httpx

SECONDS = 30.0


def view(url: str) -> None:
    """One page view: an access."""
    httpx.get(f"{url}/", timeout=SECONDS, trust_env=False).raise_for_status()


def picture(url: str) -> bytes:
    """The bytes of the picture; never an access."""
    return httpx.get(f"{url}/image", timeout=SECONDS, trust_env=False).raise_for_status().content
