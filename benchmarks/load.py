"""Load over keep-alive connections: `wrk` where it is installed, else a small client of our own."""

import asyncio
import re
import shutil
import subprocess
import time
from typing import cast

import uvloop

CONNECTIONS = 32


def requests_per_second(url: str, seconds: float, header: str | None = None) -> float:
    """How many requests `url` answers in a second; `header` is one more header line to send."""
    wrk = shutil.which("wrk")
    if wrk:
        fields = ["-H", header] if header else []
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", *fields, url]
        report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
        if rate is None or "Non-2xx or 3xx" in report:
            raise RuntimeError(f"{url} did not answer well: {report}")
        return float(rate[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(url, seconds, header))


async def _load(url: str, seconds: float, header: str | None) -> float:
    host, port, path = re.fullmatch(r"http://([^:/]+):(\d+)(/.*)", url).groups()  # type: ignore[union-attr]
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *([header] if header else [])]
    request = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
    visitors = [_Visitor(request) for _ in range(CONNECTIONS)]
    loop = asyncio.get_running_loop()
    for visitor in visitors:
        await loop.create_connection(lambda visitor=visitor: visitor, host, int(port))  # type: ignore[misc]
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    rate = sum(visitor.answers for visitor in visitors) / (time.perf_counter() - begun)
    for visitor in visitors:
        visitor.transport.close()
    if any(visitor.failed for visitor in visitors):
        raise RuntimeError(f"{url} did not answer well: {next(v.failed for v in visitors if v.failed)!r}")
    return rate


class _Visitor(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete; parses no more than that."""

    transport: asyncio.Transport

    def __init__(self, request: bytes) -> None:
        self.answers = 0
        self.failed = b""
        self._request = request
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 304")):
                self.failed = head
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            self._missing = (int(length[1]) if length else 0) - len(body)
        if self._missing == 0:
            self.answers += 1
            self.transport.write(self._request)
