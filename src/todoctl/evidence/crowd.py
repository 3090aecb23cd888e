"""Visitors who come at once: every request is ready before the first one goes out."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


class Guest:
    """One of them: a GET of `url`, on a connection of its own, whose parts may take `seconds` each.

    `begin` and `end` are epoch seconds, `headers` are the answer's. `error` says why there is no answer.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self.begin = self.end = 0.0
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.error = ""
        self._address = urlsplit(url)
        self._connection = HTTPConnection(self._address.netloc, timeout=seconds)

    def connect(self) -> None:
        """Up to the last byte before the request."""
        self.begin = time.time()
        try:
            self._connection.connect()
            self._connection.putrequest("GET", self._address.path or "/")  # with "Accept-Encoding: identity"
            self._connection.putheader("Accept", "*/*")
        except OSError as problem:
            self._fail(problem)

    def send(self) -> None:
        if not self.error:
            self.begin = time.time()
            try:
                self._connection.endheaders()
            except OSError as problem:
                self._fail(problem)

    def receive(self) -> None:
        try:
            if not self.error:
                answer = self._connection.getresponse()
                self.body = answer.read()
                self.status, self.headers = answer.status, answer.getheaders()
                self.end = time.time()
        except (OSError, HTTPException) as problem:
            self._fail(problem)
        finally:
            self._connection.close()

    def _fail(self, problem: Exception) -> None:
        self.error, self.end = str(problem) or type(problem).__name__, time.time()


def at_once(urls: Sequence[str], seconds: float) -> list[Guest]:
    """One visitor for each of `urls`.

    One thread sends all requests, within a millisecond or two. Threads of their own would send them over tens
    of milliseconds: the app would have answered the first before the second comes.
    """
    guests = [Guest(url, seconds) for url in urls]
    with ThreadPoolExecutor(len(guests)) as pool:
        list(pool.map(Guest.connect, guests))
        for guest in guests:
            guest.send()
        list(pool.map(Guest.receive, guests))
    return guests
