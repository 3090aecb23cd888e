"""Measure the app beside others, in one run, and print ratios: `nox -s bench`.

Nothing here passes or fails: figures of one machine in one minute mean little, ratios mean more.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
from load import CONNECTIONS, requests_per_second

HERE = Path(__file__).parent
PICTURE = (HERE.parent / "src" / "todoapp" / "samples" / "lake.jpg").read_bytes()
"""As large as the one in the original's README, and a JPEG as far as a cache looks."""

ROUNDS = 5
SECONDS = 2.0
STARTS = 9
START_DEADLINE = 30.0

Command = Callable[[int, Path, str], list[str]]


@dataclass(frozen=True)
class Contestant:
    """A server: its command, given a port, a cache directory and the URL of a picture."""

    name: str
    command: Command


def app(port: int, volume: Path, image_url: str) -> list[str]:
    """`python -m todoapp`, with its settings."""
    settings = {"HOST": "127.0.0.1", "PORT": port, "CACHE_DIR": volume, "IMAGE_URL": image_url}
    settings |= {"DRAIN_SECONDS": 0, "LOG_LEVEL": "WARNING"}
    return ["env", *(f"{key}={value}" for key, value in settings.items()), sys.executable, "-m", "todoapp"]


def bare(port: int, volume: Path, _: str) -> list[str]:
    """Starlette and uvicorn with constant bytes."""
    return [sys.executable, str(HERE / "bare_app.py"), str(port), str(volume / "cached_image.jpg")]


def fastapi(port: int, volume: Path, image_url: str) -> list[str]:
    """FastAPI and aiohttp doing the same job."""
    volume.mkdir(exist_ok=True)
    return [sys.executable, str(HERE / "fastapi_app.py"), str(port), str(volume), image_url]


def nginx(port: int, volume: Path, _: str) -> list[str]:
    """nginx serving the same file, one worker."""
    root = volume.with_name("nginx")
    root.mkdir(exist_ok=True)
    (root / "image").write_bytes(PICTURE)
    (root / "index.html").write_bytes(b"x" * 2700)
    user = "user root;" if os.geteuid() == 0 else ""  # or else its worker cannot read the files
    (root / "nginx.conf").write_text(
        f"""{user} worker_processes 1; daemon off; pid {root}/pid; error_log stderr warn;
        events {{ worker_connections 256; }}
        http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {root}/a;
          proxy_temp_path {root}/b; fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d;
          scgi_temp_path {root}/e; default_type image/jpeg;
          server {{ listen 127.0.0.1:{port}; root {root}; index index.html; }} }}"""
    )
    return ["nginx", "-p", str(root), "-c", str(root / "nginx.conf")]


@contextlib.contextmanager
def running(
    contestant: Contestant, volume: Path, image_url: str
) -> Iterator[tuple[psutil.Process, str, float]]:
    """A contestant that has answered its first page: its process, URL, and the seconds until then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = contestant.command(port, volume, image_url)
    url = f"http://127.0.0.1:{port}"
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while not answers(url):
                if process.poll() is not None or time.perf_counter() > begun + START_DEADLINE:
                    raise RuntimeError(f"{contestant.name} answers no page; exit code: {process.returncode}")
                time.sleep(0.002)
            yield psutil.Process(process.pid), url, time.perf_counter() - begun
        finally:
            process.terminate()


def answers(url: str) -> bool:
    """Whether the page is answered."""
    try:
        with urllib.request.urlopen(f"{url}/", timeout=10) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except (ConnectionError, urllib.error.URLError):
        return False


@contextlib.contextmanager
def image_service() -> Iterator[str]:
    """The URL of a service that answers the picture."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(PICTURE)))
            self.end_headers()
            self.wfile.write(PICTURE)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/500"
    server.shutdown()


def pin(process: psutil.Process) -> None:
    """Give the server one core and the load another, where the system allows that."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        process.cpu_affinity(cores[:1])
        os.sched_setaffinity(0, cores[1:])


def speed(contestants: list[Contestant], volume: Path, image_url: str) -> None:
    """Requests per second and CPU time for each, round by round in turn.

    On a machine that is busy with other things, the CPU time says more.
    """
    with contextlib.ExitStack() as stack:
        urls: dict[str, str] = {}
        processes: dict[str, list[psutil.Process]] = {}
        for contestant in contestants:
            process, urls[contestant.name], _ = stack.enter_context(running(contestant, volume, image_url))
            processes[contestant.name] = [process, *process.children(recursive=True)]
            for one in processes[contestant.name]:
                pin(one)
        row("requests/s", *urls, *(f"app:{name}" for name in list(urls)[1:]))
        for path, conditional in (("/", False), ("/image", False), ("/image", True)):
            rates: dict[str, list[float]] = {name: [] for name in urls}
            costs: dict[str, list[float]] = {name: [] for name in urls}
            for _ in range(ROUNDS):
                for name, url in urls.items():
                    header = f"If-None-Match: {etag(url)}" if conditional else None
                    before = cpu_seconds(processes[name])
                    rate = requests_per_second(url + path, SECONDS, header)
                    rates[name].append(rate)
                    costs[name].append((cpu_seconds(processes[name]) - before) / (rate * SECONDS))
            label = f"{path} If-None-Match" if conditional else path
            best = [max(rates[name]) for name in urls]  # the round that was disturbed least
            row(label, *(f"{rate:.0f}" for rate in best), *(f"{best[0] / rate:.2f}" for rate in best[1:]))
            cost = [min(costs[name]) * 1e6 for name in urls]
            row(
                "  CPU", *(f"{each:.0f} us" for each in cost), *(f"{each / cost[0]:.2f}" for each in cost[1:])
            )


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time, user and system, that the processes have used so far."""
    times = [process.cpu_times() for process in processes]
    return sum(time.user + time.system for time in times)


def etag(url: str) -> str:
    """The picture's entity tag."""
    with urllib.request.urlopen(f"{url}/image", timeout=10) as answer:  # noqa: S310 - our own server
        return str(answer.headers["etag"])


def start_and_memory(contestants: list[Contestant], base: Path, image_url: str) -> None:
    """Seconds from start to the first page, and what is resident after some views (RSS, MiB)."""
    row("", *(contestant.name for contestant in contestants), "ratio")
    for label, fresh in (("start, picture on the volume", False), ("start, first fetch", True)):
        times: list[list[float]] = [[] for _ in contestants]
        memory = []
        for number in range(STARTS):
            for index, contestant in enumerate(contestants):
                volume = base / f"{index}-{number}" if fresh else base / f"{index}"
                with running(contestant, volume, image_url) as (process, url, seconds):
                    times[index].append(seconds)
                    if number == STARTS - 1:
                        requests_per_second(f"{url}/", 1.0)
                        requests_per_second(f"{url}/image", 1.0)
                        memory.append(process.memory_info().rss / 2**20)
        medians = [statistics.median(seconds) for seconds in times]
        row(label, *(f"{value:.3f} s" for value in medians), f"{medians[0] / medians[1]:.2f}")
        row("memory then", *(f"{value:.1f} MiB" for value in memory), f"{memory[0] / memory[1]:.2f}")


def write(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def row(label: str, *cells: str) -> None:
    """Print one row of a table."""
    write(f"{label:30}" + "".join(f"{cell:>14}" for cell in cells))


def main() -> None:
    """Measure and print."""
    tool = "wrk" if shutil.which("wrk") else "a client of our own (install wrk for one that is faster)"
    write(f"one worker, {CONNECTIONS} keep-alive connections, {len(PICTURE)} bytes, load by {tool}")
    contestants = [Contestant("app", app), Contestant("bare", bare)]
    if shutil.which("nginx"):
        contestants.append(Contestant("nginx", nginx))
    else:
        write("nginx is not installed: left out")
    with tempfile.TemporaryDirectory() as name, image_service() as image_url:
        base = Path(name)
        (base / "cache").mkdir()
        (base / "cache" / "cached_image.jpg").write_bytes(PICTURE)
        start_and_memory([Contestant("app", app), Contestant("FastAPI", fastapi)], base, image_url)
        speed(contestants, base / "cache", image_url)


if __name__ == "__main__":
    main()
