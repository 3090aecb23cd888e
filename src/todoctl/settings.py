"""What the user wants of a deployment, whatever the target."""

import math
import re
import socket
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from todoctl.errors import BadUsageError

DEFAULT_PORT = 8081
DEFAULT_TTL = 600.0
DEFAULT_IMAGE_URL = "https://picsum.photos/500"
LOOPBACK = "127.0.0.1"
SAMPLE_IMAGES = "sample:"
"""The app's own name for the pictures it brings along (docs/contract.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Host port, picture validity in seconds, and where pictures come from."""

    port: int = DEFAULT_PORT
    ttl: float = DEFAULT_TTL
    image_url: str = DEFAULT_IMAGE_URL

    def __post_init__(self) -> None:
        """Raises `BadUsageError` for a value the app or the machine would refuse."""
        check_port(self.port)
        check_ttl(self.ttl)
        url = self.image_url
        if url != SAMPLE_IMAGES and not (
            is_http(url) and url.isascii() and url.isprintable() and " " not in url
        ):
            raise BadUsageError(
                f"--image-url {self.source!r} is not a picture's address",
                fix="Use an http:// or https:// URL, or sample: for the bundled pictures",
            )

    @property
    def url(self) -> str:
        """Where the page is, from this machine: it is served at 127.0.0.1."""
        try:
            found = {address[4][0] for address in socket.getaddrinfo("localhost", None)}
        except OSError:
            found = set()
        return f"http://{'localhost' if LOOPBACK in found else LOOPBACK}:{self.port}"

    @property
    def source(self) -> str:
        """Where pictures come from, as it may be shown: without user and password."""
        return without_password(self.image_url)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Settings":
        """Takes what it knows of `values`, which another version may have written.

        Raises `TypeError`, `ValueError`, `OverflowError` or `BadUsageError` if one of these is no setting.
        """
        kinds: dict[str, type[Any]] = {"port": int, "ttl": float, "image_url": str}
        return cls(**{name: kind(values[name]) for name, kind in kinds.items() if name in values})


def check_port(port: int) -> None:
    """Raises `BadUsageError` for a number that is no port."""
    if not 1 <= port <= 65535:
        raise BadUsageError(f"--port {port} is not a port", fix="Use a number from 1 to 65535")


def check_ttl(ttl: float) -> None:
    """Raises `BadUsageError` for a number that is no time to live."""
    if not (math.isfinite(ttl) and ttl > 0):
        raise BadUsageError(f"--ttl {ttl:g} is not a time to live", fix="Use a number of seconds above 0")


def without_password(url: str) -> str:
    """Returns `url` with `***` for its user and password."""
    return re.sub(r"^([^/]*//)[^/]*@", r"\1***@", url)


def is_http(url: str) -> bool:
    """Whether an HTTP request could be sent there, as far as the form of `url` tells."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def check_image(reference: str) -> str:
    """Returns a container image's name; raises `BadUsageError` if it has not the form of one."""
    if not re.fullmatch(r"\w[\w./:@-]*", reference, re.ASCII):
        raise BadUsageError(
            f"{reference!r} is not the name of an image",
            fix="Use one such as registry.example.org/me/todo-app:1",
        )
    return reference


def seconds(value: float) -> str:
    """Returns `600.0` as `600`, `2.5` as `2.5`: as the app's environment and people write it."""
    return f"{value:.15g}"


def parse_duration(option: str, text: str) -> float:
    """Returns the seconds that `text` means, as in 90, 2.5s, 5m or 1h30m; raises `BadUsageError`."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text, re.ASCII)
    hours, minutes, rest = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
    total = hours * 3600 + minutes * 60 + rest
    if not 0 < total < math.inf:
        raise BadUsageError(
            f"{option} {text!r} is not a time", fix="Use seconds, or a time such as 5m or 1h30m"
        )
    return total
