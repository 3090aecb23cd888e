"""The image service of validations: what it answers, what it remembers, and that it goes."""

import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.app_server import app_server, free_port, wait_for
from todoctl.errors import UnavailableError
from todoctl.image_service import service as program
from todoctl.image_service.client import Controlled, running_here
from todoctl.image_service.service import ResponseMode


@pytest.fixture(name="service")
def _service() -> Iterator[Controlled]:
    with running_here() as service:
        yield service


def fetch(service: Controlled) -> httpx.Response:
    return httpx.get(service.url, trust_env=False, follow_redirects=True, timeout=60)


def colour(png: bytes) -> tuple[int, ...]:
    """The colour of the pixel in the middle."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.size == (500, 500)
        found = image.convert("RGB").getpixel((250, 250))
        assert isinstance(found, tuple)
        return tuple(map(int, found))


def test_no_picture_comes_twice_to_the_eye_or_to_a_digest() -> None:
    seen = [colour(program.picture(number)) for number in range(1, 30)]
    assert len(set(seen)) == len(seen)
    assert all(max(abs(a - b) for a, b in zip(*two, strict=True)) > 30 for two in pairwise(seen))
    assert program.picture(7) != program.picture(7), "in another run"
    assert colour(program.picture(7)) == colour(program.picture(7))


WHOLE = {ResponseMode.PICTURE, ResponseMode.SLOW, ResponseMode.AGAIN}
STATUS = {ResponseMode.ERROR: 500, ResponseMode.DATED: 503, ResponseMode.BUSY: 429}
TYPES = {ResponseMode.HALF: "image/jpeg", ResponseMode.LOGIN: "image/jpeg", ResponseMode.SOUND: "image/webp"}


def test_each_mode_is_answered_and_written_down(service: Controlled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SLOW_SECONDS", 0.3)
    last = b""
    for mode in ResponseMode:
        service.answer(mode)
        began = time.time()
        answer = None
        with suppress(httpx.RemoteProtocolError):
            answer = fetch(service)
        served = service.served()[-1]
        assert served.mode is mode
        assert began <= served.begin <= served.end <= time.time()
        assert (served.end - served.begin > 0.3) == (mode is ResponseMode.SLOW)
        if answer is None:
            assert mode is ResponseMode.NOTHING
            continue
        assert served.picture == (answer.content if mode in WHOLE else None)
        assert served.retry_after == answer.headers.get("retry-after", "")
        assert bool(served.retry_after) == (mode in STATUS)
        assert answer.status_code == STATUS.get(mode, 200)
        assert answer.headers["content-type"] == TYPES.get(mode, answer.headers["content-type"])
        assert (answer.content == last) == (mode is ResponseMode.AGAIN)
        last = answer.content
    assert [served.mode for served in service.served()] == list(ResponseMode)


def test_the_app_takes_whole_pictures_only(service: Controlled, tmp_path: Path) -> None:
    with app_server(tmp_path / "cache", tmp_path / "log", IMAGE_URL=service.url, CACHE_TTL="0.2") as app:
        wait_for(lambda: app.cache()["status"] != "empty")
        first = app.image()
        assert [served.picture for served in service.served()] == [first]
        for way, words in (
            (ResponseMode.HALF, "no whole picture"),
            (ResponseMode.LOGIN, "no whole picture"),
            (ResponseMode.SOUND, "of image/webp: no whole picture"),
            (ResponseMode.HUGE, "more than 10485760 bytes"),
            (ResponseMode.ERROR, "500"),
        ):
            service.answer(way)
            while words not in (app.cache()["last_error"] or ""):
                app.view()
            assert app.image() == first
        service.answer(ResponseMode.PICTURE)
        while app.image() == first:
            app.view()
        assert app.image() in [served.picture for served in service.served()]


def test_a_request_that_waits_is_pending_until_another_way_is_asked_for(
    service: Controlled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "SLOW_SECONDS", 60.0)
    service.answer(ResponseMode.SLOW)
    asking = threading.Thread(target=fetch, args=(service,))
    asking.start()
    assert wait_for(service.pending) == 1
    assert service.served() == []
    service.answer(ResponseMode.PICTURE)
    asking.join()
    (slow,) = service.served()
    assert (slow.mode, slow.picture is None) == (ResponseMode.SLOW, False)
    assert service.pending() == 0
    fetch(service)
    assert [served.mode for served in service.served()] == [ResponseMode.SLOW, ResponseMode.PICTURE]


def test_a_request_that_waits_goes_with_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SLOW_SECONDS", 60.0)
    with running_here() as service:
        service.answer(ResponseMode.SLOW)
        asking = threading.Thread(target=fetch, args=(service,))
        asking.start()
        wait_for(service.pending)
    asking.join(30)
    assert not asking.is_alive()


def test_who_asks_may_go_without_waiting(service: Controlled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SLOW_SECONDS", 0.2)
    service.answer(ResponseMode.SLOW)
    address = httpx.URL(service.url)
    for words in (b"GET /picture?of=the-moment HTTP/1.1\r\n\r\n", b"", b"GET /journal/x HTTP/1.1\r\n\r\n"):
        with socket.create_connection((address.host, address.port or 0)) as asking:
            asking.sendall(words)
    (served,) = wait_for(service.served)
    assert served.mode is ResponseMode.SLOW
    assert service.pending() == 0


def test_a_picture_is_where_the_service_says_and_nowhere_else(service: Controlled) -> None:
    url = httpx.URL(service.url).copy_with(path="/mode/nonsense")
    assert httpx.post(url, trust_env=False).status_code == 404
    for wrong in (service.url.partition("?")[0], f"{service.url}&size=1"):
        assert httpx.get(wrong, trust_env=False).status_code == 404
    assert service.served() == []
    assert fetch(service).headers["content-type"] == "image/png"


def test_at_the_end_nobody_listens() -> None:
    with running_here() as service:
        pass
    with pytest.raises(UnavailableError, match="The image service does not answer: "):
        service.served()


class Ticking:
    """A service whose clock is `ahead` of ours; an answer takes `seconds` there and as much back."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead
        self.seconds = 0.0
        self.answered: list[dict[str, object]] = []

    def fetch(self, method: str, path: str) -> bytes:
        time.sleep(self.seconds)
        now = time.time() + self.ahead
        time.sleep(self.seconds)
        since = int(path.removeprefix("/journal/"))
        return json.dumps({"now": now, "pending": 0, "answered": self.answered[since:]}).encode()

    def serve(self) -> float:
        """Answers a request now; when that was by our clock."""
        now = time.time()
        self.answered.append(
            {
                "begin": now + self.ahead,
                "end": now + self.ahead,
                "mode": "error",
                "picture": None,
                "retry_after": "",
            }
        )
        return now


@pytest.mark.parametrize("ahead", [0.0, 5000.0, -5000.0])
def test_times_are_by_our_clock_give_or_take_what_is_not_known(ahead: float) -> None:
    there = Ticking(ahead)
    service = Controlled("http://it", there.fetch, same_clock=False)
    there.seconds = 0.05
    now = there.serve()
    (first,) = service.served()
    assert now - 0.3 < first.begin < now < first.end < now + 0.3
    assert first.end - first.begin >= 0.1
    there.seconds = 0.0
    service.pending()
    there.seconds = 0.05
    now = there.serve()
    quick = service.served()[1]
    assert quick.begin <= now <= quick.end, "what a quicker answer has told holds on"
    assert quick.end - quick.begin < 0.1
    assert service.served()[0] == first


@pytest.mark.parametrize(
    "text", [["-I", "-S", "-c", Path(program.__file__).read_text()], [program.__file__]], ids=["text", "file"]
)
def test_its_text_is_a_program(text: list[str]) -> None:
    """As in the pod, where there is nothing but a Python."""
    port = free_port()
    with subprocess.Popen([sys.executable, *text, str(port)]) as running:

        def ask(method: str, path: str) -> bytes:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request(method, path.replace("/journal/", "/journal%2F"))
                return connection.getresponse().read()
            finally:
                connection.close()

        def answers() -> bool:
            try:
                return bool(ask("GET", "/journal/0"))
            except OSError:
                return False

        wait_for(answers)
        service = Controlled(f"http://127.0.0.1:{port}{program.ASKED}", ask, same_clock=False)
        picture = fetch(service).content
        service.answer(ResponseMode.HALF)
        half = fetch(service).content
        assert picture.startswith(half), "it was given no JPEG"
        assert [served.picture for served in service.served()] == [picture, None]
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
