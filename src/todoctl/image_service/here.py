"""The image service in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from todoctl.errors import UnavailableError
from todoctl.evidence.times import now
from todoctl.image_service.client import Controlled
from todoctl.image_service.formats import others
from todoctl.image_service.service import ASKED, Server

ADDRESS = "127.0.0.1"
SECONDS = 10.0
"""For one answer to us, on a busy machine."""

POLL_SECONDS = 0.05
"""How soon the end is noticed."""


@contextmanager
def running_here() -> Iterator[Controlled]:
    """An image service for this machine alone, on a free port; gone at the end of the block."""
    with Server((ADDRESS, 0), others(), now) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        thread.start()
        port = server.server_address[1]

        def fetch(method: str, path: str) -> bytes:
            connection = HTTPConnection(ADDRESS, port, timeout=SECONDS)
            try:
                connection.request(method, path)
                return connection.getresponse().read()
            except (OSError, HTTPException) as error:
                raise UnavailableError(
                    "The image service does not answer", why=repr(error), fix="Run the command again"
                ) from None
            finally:
                connection.close()

        try:
            yield Controlled(f"http://{ADDRESS}:{port}{ASKED}", fetch, same_clock=True)
        finally:
            server.shutdown()
            thread.join()
