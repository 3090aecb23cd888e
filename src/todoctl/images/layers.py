"""The layers of an image on their way: what Docker's engine tells of them while it pulls."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Phase(IntEnum):
    """What is done with a layer; of several layers, the highest phase is what people are told."""

    READY = 0
    WAITING = 1
    UNPACKING = 2
    DOWNLOADING = 3
    BROKEN = 4


SAID = {
    Phase.READY: "ready",
    Phase.WAITING: "waiting",
    Phase.UNPACKING: "unpacking",
    Phase.DOWNLOADING: "",
    Phase.BROKEN: "broke off, Docker tries again",
}

PHASES = {
    "Pulling fs layer": Phase.WAITING,
    "Waiting": Phase.WAITING,
    "Downloading": Phase.DOWNLOADING,
    "Verifying Checksum": Phase.WAITING,
    "Download complete": Phase.WAITING,
    "Extracting": Phase.UNPACKING,
    "Pull complete": Phase.READY,
    "Already exists": Phase.READY,
}
"""The engine's words for it (`status` in the answer of POST /images/create)."""

LOADED = {"Verifying Checksum", "Download complete", "Extracting", "Pull complete", "Already exists"}
"""From these on the layer has come whole; a small one may never be told of as under way."""


@dataclass(slots=True)
class Layer:
    """How many bytes of it are here, of how many (None before Docker tells), and the most that ever were."""

    phase: Phase = Phase.WAITING
    loaded: int = 0
    size: int | None = None
    most: int = 0


class Layers:
    """All layers of one image, over all attempts to pull it."""

    def __init__(self) -> None:
        self._layers: dict[str, Layer] = {}

    def take(self, event: dict[str, Any]) -> None:
        """Takes one event of the engine's answer; what is not about a layer changes nothing."""
        status = str(event.get("status", ""))
        broken = status.startswith("Retrying in ")
        if not broken and status not in PHASES:
            return
        layer = self._layers.setdefault(str(event.get("id")), Layer())
        layer.phase = Phase.BROKEN if broken else PHASES[status]
        if status == "Downloading":
            told = event.get("progressDetail") or {}
            _load(layer, int(told.get("current") or 0), max(int(told.get("total") or 0), 0))
        elif status in LOADED:
            layer.size = layer.loaded = layer.most if layer.size is None else layer.size
        layer.most = max(layer.most, layer.loaded)

    def begin_again(self) -> None:
        """The pull ended too early and is begun anew: what is not unpacked yet may have to come again."""
        for layer in self._layers.values():
            if layer.phase != Phase.READY:
                layer.phase, layer.loaded = Phase.WAITING, 0

    @property
    def known(self) -> bool:
        """Whether the registry has told of any layer."""
        return bool(self._layers)

    @property
    def loaded(self) -> int:
        """Bytes that are here."""
        return sum(layer.loaded for layer in list(self._layers.values()))

    @property
    def most(self) -> int:
        """Bytes that are here, or were before a connection broke."""
        return sum(layer.most for layer in list(self._layers.values()))

    @property
    def size(self) -> int:
        """Bytes in all, of the layers of which it is known: Docker tells it when a layer begins."""
        return sum(layer.size or 0 for layer in list(self._layers.values()))

    @property
    def more(self) -> bool:
        """Whether there may be layers of which it is not known."""
        sizes = [layer.size for layer in list(self._layers.values())]
        return not sizes or None in sizes

    @property
    def doing(self) -> str:
        """What is done just now; nothing while it is downloading."""
        phases = [layer.phase for layer in list(self._layers.values())]
        return SAID[max(phases)] if phases else "asking the registry"


def _load(layer: Layer, loaded: int, of: int) -> None:
    """Takes "`loaded` of `of` bytes", which is 0 where the registry does not tell it.

    After a broken connection the engine counts what is still to come alone. And when a connection breaks it
    tells first that all has come; that all has come it tells in other words as well.
    """
    if not of:
        layer.loaded = loaded
    elif loaded < of:
        layer.size = max(of, layer.size or 0)
        layer.loaded = layer.size - of + loaded
