"""The control side of an image service, wherever that runs."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

from todoctl.evidence.times import now
from todoctl.image_service.service import ResponseMode
from todoctl.targets.base import Served

Fetch = Callable[[str, str], bytes]
"""Sends a request, by method and path, to the image service; raises `UnavailableError`."""


class Controlled:
    """An image service (`todoctl.targets.base.ImageService`) that `fetch` reaches and the app finds at `url`.

    Where its clock is not ours, what is known of the difference is that `now` in an answer was written
    between our sending and our receiving. The quickest answer bounds it best; what remains open is added to
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

    def answer(self, mode: ResponseMode) -> None:
        self._fetch("POST", f"/mode/{mode}")

    def _look(self) -> int:
        """Takes over what is new in the journal; returns how many requests are pending."""
        sent = now()
        answer: dict[str, Any] = json.loads(self._fetch("GET", f"/journal/{len(self._served)}"))
        ahead = (answer["now"] - now(), answer["now"] - sent)
        if self._same_clock:
            self._ahead = (0.0, 0.0)
        elif ahead[1] - ahead[0] < self._ahead[1] - self._ahead[0]:
            self._ahead = ahead
        for entry in answer["answered"]:
            content = entry["picture"]
            self._served.append(
                Served(
                    begin=entry["begin"] - self._ahead[1],
                    end=entry["end"] - self._ahead[0],
                    mode=ResponseMode(entry["mode"]),
                    picture=None if content is None else base64.b64decode(content),
                    retry_after=entry["retry_after"],
                )
            )
        return int(answer["pending"])
