"""How visitors come to the app while it is validated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """`url` is what is asked, `transport` what carries requests there where that is not this machine.

    `words` say it in the report, after "Visitors came".
    """

    url: str
    words: str
    transport: "httpx.BaseTransport | None" = None


def on_this_machine(port: int, words: str) -> Entrance:
    """A port of the loopback interface."""
    return Entrance(url=f"http://127.0.0.1:{port}", words=words)
