"""A steady stream of page views, as a site has them while its pods are replaced."""

import threading
import time
from types import TracebackType
from typing import Self

from todoctl.client import Client
from todoctl.errors import TodoctlError

INTERVAL_SECONDS = 0.05


class PageStream:
    """Views the page in the background, each time on a new connection, from enter to exit.

    `answered` counts the views that got their page, `failures` tells of the others, in order.
    """

    def __init__(self, url: str) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._url = url
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                with Client(self._url) as client:
                    client.view()
                self.answered += 1
            except TodoctlError as error:
                self.failures.append(str(error))
            self._ending.wait(INTERVAL_SECONDS - (time.monotonic() - began))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()
