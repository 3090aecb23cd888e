"""The control side of an image service, wherever that runs."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

from todoctl.evidence.times import now
from todoctl.targets.base import Served, Way

Fetch = Callable[[str, str], bytes]
"""Sends a request, by method and path, to the image service; raises `UnavailableError`."""


class Controlled:
    """An image service (`todoctl.targets.base.ImageService`) that `fetch` reaches and the app finds at `url`.

    Where its clock is not ours, what is known of the difference is that `now` in an answer was told between
    our sending and our receiving. The answer that came quickest tells it best, and its doubt is added to
    the times.
    """

    def __init__(self, url: str, fetch: Fetch, *, same_clock: bool) -> None:
        self.url = url
        self._fetch = fetch
        self._same_clock = same_clock
        self._ahead = (0.0, float("inf"))
        """How many seconds its clock is ahead of ours, at least and at the most."""
        self._served: list[Served] = []
        self._lock = threading.Lock()

    def served(self) -> list[Served]:
        with self._lock:
            self._look()
            return self._served.copy()

    def pending(self) -> int:
        with self._lock:
            return self._look()

    def answer(self, way: Way) -> None:
        self._fetch("POST", f"/way/{way}")

    def _look(self) -> int:
        """Takes over what is new in the journal; returns how many requests are pending."""
        sent = now()
        told: dict[str, Any] = json.loads(self._fetch("GET", f"/journal/{len(self._served)}"))
        ahead = (told["now"] - now(), told["now"] - sent)
        if self._same_clock:
            self._ahead = (0.0, 0.0)
        elif ahead[1] - ahead[0] < self._ahead[1] - self._ahead[0]:
            self._ahead = ahead
        for entry in told["answered"]:
            content = entry["picture"]
            self._served.append(
                Served(
                    begin=entry["begin"] - self._ahead[1],
                    end=entry["end"] - self._ahead[0],
                    way=Way(entry["way"]),
                    picture=None if content is None else base64.b64decode(content),
                    retry_after=entry["retry_after"],
                )
            )
        return int(told["pending"])
