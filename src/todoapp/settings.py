"""What the environment says: the app's settings, as `docs/contract.md` lists them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SAMPLE_URL = "sample:"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(ValueError):
    """A bad value; the message is one line: which variable, its value, and what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """Returns the settings that `environ` holds; raises SettingsError for the first bad one."""
    found: dict[str, Any] = {}
    for variable, (name, default, parse, wanted) in VARIABLES.items():
        value = environ.get(variable, default)
        try:
            found[name] = parse(value)
        except ValueError:
            shown = value.rpartition("@")[2] if variable == "IMAGE_URL" else value  # no password
            message = f"{variable}={shown!r:.100}: give it {wanted}, or unset it for the default"
            raise SettingsError(message) from None
    return Settings(**found)


def without_credentials(url: str) -> str:
    """Returns `url` without the user and password that may stand in it, to be shown to people."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else url


def _text(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError
    return value


def _port(value: str) -> int:
    # int() alone would take the digits of every script, and "1_000" as well.
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and 1 <= int(value) <= 65535):
        raise ValueError
    return int(value)


def _seconds(value: str, least: float = 0.0, most: float = math.inf) -> float:
    seconds = float(value)
    if not (math.isfinite(seconds) and least <= seconds <= most):
        raise ValueError
    return seconds


def _image_url(value: str) -> str:
    url = urlsplit(value)
    good = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    if value != SAMPLE_URL and not (good and value.isascii() and value.isprintable() and " " not in value):
        raise ValueError
    return value


def _log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError
    return value.upper()


VARIABLES: Mapping[str, tuple[str, str, Callable[[str], object], str]] = {
    # In a container the app is reached from outside, so it listens on all addresses.
    "HOST": ("host", "0.0.0.0", _text, "a value"),  # noqa: S104
    "PORT": ("port", "3000", _port, "a whole number from 1 to 65535"),
    "CACHE_DIR": ("cache_dir", "cache", lambda value: Path(_text(value)).absolute(), "a value"),
    "CACHE_TTL": ("ttl", "600", partial(_seconds, least=5e-324), "a number of seconds greater than 0"),
    "IMAGE_URL": (
        "image_url",
        "https://picsum.photos/500",
        _image_url,
        f"an http:// or https:// URL that answers a picture, or {SAMPLE_URL}",
    ),
    "LOG_LEVEL": ("log_level", "INFO", _log_level, f"one of {', '.join(LOG_LEVELS)}"),
    "DRAIN_SECONDS": ("drain_seconds", "3", partial(_seconds, most=60.0), "a number of seconds from 0 to 60"),
}
"""Variable: the setting's name, its default, how it is read, and what would do where it is bad."""
