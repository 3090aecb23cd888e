"""What the environment says: the app's settings, as `docs/contract.md` lists them."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SAMPLE_URL = "sample:"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(ValueError):
    """A bad value; the message is one line: which variable, its value, and what to give it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, where to keep what and for how long; `ttl` and `drain_seconds` in seconds."""

    host: str
    port: int
    cache_dir: Path
    ttl: float
    image_url: str
    log_level: str
    drain_seconds: float


def read(environ: Mapping[str, str]) -> Settings:
    """Returns the settings that `environ` holds. Raises SettingsError for the first bad one."""
    values: list[Any] = []
    for name, (default, parse, is_good, wanted) in VARIABLES.items():
        text = environ.get(name, default)
        try:
            values.append(parse(text))
            good = is_good(values[-1])
        except (ValueError, OSError):  # OSError: the working directory is gone
            good = False
        if not good:
            shown = ascii(re.sub(r"(?s).*@", "...@", text))[:100]  # up to the last @ it may be a password
            raise SettingsError(f"{name}={shown}: give it {wanted}, or unset it for the default")
    return Settings(*values)


def without_credentials(url: str) -> str:
    """Returns a good `url` without its user and password, which are shown nowhere."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", url)


def _number(text: str) -> int:
    # int() alone would take the digits of every script, and "1_000" as well.
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0


def _directory(text: str) -> Path | None:
    return Path(text).absolute() if text.strip() and "\0" not in text else None


def _is_image_url(text: str) -> bool:
    url = urlsplit(text)
    good = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    return text == SAMPLE_URL or bool(good and text.isascii() and text.isprintable() and " " not in text)


VARIABLES: dict[str, tuple[str, Callable[[str], object], Callable[..., bool], str]] = {
    # In a container the app is reached from outside, so it listens on all addresses.
    "HOST": ("0.0.0.0", str.strip, bool, "a name or an address of this machine"),  # noqa: S104
    "PORT": ("3000", _number, lambda port: 1 <= port <= 65535, "a whole number from 1 to 65535"),
    "CACHE_DIR": ("cache", _directory, bool, "a directory"),
    "CACHE_TTL": ("600", float, lambda s: 0 < s < math.inf, "a number of seconds greater than 0"),
    "IMAGE_URL": (
        "https://picsum.photos/500",
        str,
        _is_image_url,
        f"an http:// or https:// URL that answers a picture, or {SAMPLE_URL}",
    ),
    "LOG_LEVEL": ("INFO", str.upper, LOG_LEVELS.__contains__, f"one of {', '.join(LOG_LEVELS)}"),
    "DRAIN_SECONDS": ("3", float, lambda s: 0 <= s <= 60, "a number of seconds from 0 to 60"),
}
"""Each variable, in the order of `Settings`: its default, how to read it, what is good, what to give it."""
