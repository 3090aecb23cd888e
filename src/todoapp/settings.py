"""What the environment says: the app's settings, as `docs/contract.md` lists them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SAMPLE_URL = "sample:"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_DRAIN_SECONDS = 60.0


class SettingsError(ValueError):
    """A bad value; the message is one line: which variable, its value, and what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where to listen, where to keep what and for how long; `ttl` in seconds too."""

    host: str = "0.0.0.0"  # noqa: S104 - in a container the app is reached from outside
    port: int = 3000
    cache_dir: Path = Path("cache")
    ttl: float = 600.0
    image_url: str = "https://picsum.photos/500"
    log_level: str = "INFO"
    drain_seconds: float = 3.0


def read(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` holds, or SettingsError for the first bad one."""
    default = Settings()
    return Settings(
        host=_filled(environ, "HOST", default.host),
        port=_port(environ, "PORT", default.port),
        cache_dir=Path(_filled(environ, "CACHE_DIR", str(default.cache_dir))).absolute(),
        ttl=_seconds(environ, "CACHE_TTL", default.ttl, positive=True),
        image_url=_image_url(environ, "IMAGE_URL", default.image_url),
        log_level=_log_level(environ, "LOG_LEVEL", default.log_level),
        drain_seconds=_seconds(environ, "DRAIN_SECONDS", default.drain_seconds, most=MAX_DRAIN_SECONDS),
    )


def _bad(name: str, value: str, wanted: str) -> SettingsError:
    return SettingsError(f"{name}={value!r:.100}: give it {wanted}, or unset it for the default")


def _filled(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, default)
    if not value.strip() or "\0" in value:
        raise _bad(name, value, "a value")
    return value


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, str(default))
    # int() alone would take the digits of every script, and "1_000" as well.
    digits = value.isascii() and value.isdigit() and len(value) <= 5
    if not (digits and 1 <= int(value) <= 65535):
        raise _bad(name, value, "a whole number from 1 to 65535")
    return int(value)


def _seconds(
    environ: Mapping[str, str],
    name: str,
    default: float,
    *,
    positive: bool = False,
    most: float = math.inf,
) -> float:
    value = environ.get(name, str(default))
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and 0 <= seconds <= most) or (positive and seconds == 0):
        kind = "seconds greater than 0" if positive else f"seconds from 0 to {most:g}"
        raise _bad(name, value, f"a number of {kind}")
    return seconds


def _image_url(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, default)
    if value == SAMPLE_URL:
        return value
    try:
        url = urlsplit(value)
        good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or not value.isascii() or not value.isprintable() or " " in value:
        raise _bad(name, value, f"an http:// or https:// URL that answers a picture, or {SAMPLE_URL}")
    return value


def _log_level(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, default)
    if value.upper() not in LOG_LEVELS:
        raise _bad(name, value, f"one of {', '.join(LOG_LEVELS)}")
    return value.upper()
