"""Work beside other work: a thread that nobody has to wait for when the user gives up."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Runs `work` at once; `result` waits for it and raises what it raised."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._error = error

    @property
    def is_over(self) -> bool:
        """Whether `result` need not wait."""
        return not self._thread.is_alive()

    def result(self) -> T:
        """What `work` has returned."""
        while self._thread.is_alive():
            self._thread.join(0.2)  # in pieces, so that Ctrl-C is heard
        if self._error:
            raise self._error
        return self._outcome[0]
