"""`up`: decide where pictures come from, let the target bring the app up, and hear what the app says then."""

from contextlib import suppress
from dataclasses import replace

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.settings import DEFAULT_IMAGE_URL, SAMPLE_IMAGES, Settings
from todoctl.targets.base import Progress, Target

LOOK_SECONDS = 5.0
"""How long the image service may take to answer before it counts as out of reach."""


def up(target: Target, progress: Progress, wanted: Settings, *, any_source: bool) -> tuple[Settings, bool]:
    """Brings the app up on `target`; returns what was settled, and whether anything changed.

    With `any_source` the bundled pictures will do where the image service cannot be reached from here.
    """
    settings = replace(wanted, image_url=choose_source(target, progress)) if any_source else wanted
    return settings, target.up(settings, progress)


def trouble(target: Target, settings: Settings) -> str | None:
    """What the app says is wrong now (a volume that it may not write, say); None where it says nothing."""
    from todoctl.client import Client

    with suppress(TodoctlError), Client(target.page(settings)) as client:
        return client.state().last_error
    return None


def choose_source(target: Target, progress: Progress) -> str:
    """The default image service, or `sample:` where it is out of reach.

    What runs with the default service already keeps it: a service that is away for a moment is the
    app's to handle, no reason to restart it with other pictures.
    """
    before = None
    with suppress(UnavailableError):  # a cluster that is stopped cannot be asked
        before = target.settings()
    if before and before.image_url == DEFAULT_IMAGE_URL:
        return DEFAULT_IMAGE_URL
    problem = why_unreachable(DEFAULT_IMAGE_URL)
    if problem is None:
        return DEFAULT_IMAGE_URL
    progress.note(
        f"{DEFAULT_IMAGE_URL} cannot be reached from here ({problem}): using the bundled pictures "
        "(sample:). Name another service with --image-url."
    )
    return SAMPLE_IMAGES


def why_unreachable(url: str) -> str | None:
    """Why `url` answers with no picture, in a few words; None where it does."""
    import httpx

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=LOOK_SECONDS) as response:
            if response.status_code != httpx.codes.OK:
                return f"it answers {response.status_code}"
            kind = response.headers.get("content-type", "")
            return None if kind.startswith("image/") else f"it answers with {kind or 'no type'}"
    except ImportError:
        return "the environment names a SOCKS proxy, and httpx has no socksio here"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Beside the network's, also errors of proxies and certificates that the environment names.
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        unusable = "" if isinstance(error, httpx.HTTPError) else "proxy or certificates of the environment: "
        return unusable + " ".join(str(why).split())
