"""Visitors who come at once."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.app_server import free_port
from todoctl.evidence.crowd import Guest, at_once

ANSWER = b"HTTP/1.1 203 So So\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi"


class Door:
    """A server that lets its guests stand before it, and then says to each of them `answers` in turn."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.asked: list[bytes] = []
        self.server = socket.create_server(("127.0.0.1", 0), backlog=len(answers))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/"
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        guests = [self.server.accept()[0] for _ in self.answers]
        for guest in guests:  # nobody is answered before all have asked
            self.asked.append(guest.recv(4096))
        for guest, answer in zip(guests, self.answers, strict=True):
            with guest:
                guest.sendall(answer)


@pytest.fixture(name="door")
def _door(request: pytest.FixtureRequest) -> Iterator[Door]:
    door = Door(request.param)
    with closing(door.server):
        yield door
        door.thread.join(10)


@pytest.mark.parametrize("door", [[ANSWER] * 5], indirect=True)
def test_all_ask_before_anyone_is_answered(door: Door) -> None:
    guests = at_once([door.url] * 5, 10)
    assert [(guest.status, guest.body, guest.error) for guest in guests] == [(203, b"hi", "")] * 5
    assert [value for name, value in guests[0].headers if name == "X-A"] == ["1", "2"]
    assert max(guest.begin for guest in guests) < min(guest.end for guest in guests)
    assert len(door.asked) == 5
    assert all(asked.startswith(b"GET / HTTP/1.1\r\n") for asked in door.asked)
    assert all(b"Accept-Encoding: identity\r\n" in asked for asked in door.asked)


@pytest.mark.parametrize("door", [[b"", ANSWER, b"no HTTP\r\n\r\n", ANSWER[:-1]]], indirect=True)
def test_one_without_an_answer_does_not_disturb_the_others(door: Door) -> None:
    guests = at_once([door.url] * 4, 10)
    assert sorted(guest.body for guest in guests if not guest.error) == [b"hi"]
    assert all(guest.begin <= guest.end for guest in guests)
    assert sum("IncompleteRead" in guest.error for guest in guests) == 1


def test_nobody_is_there() -> None:
    (guest,) = at_once([f"http://127.0.0.1:{free_port()}/"], 10)
    assert "refused" in guest.error
    assert guest.end >= guest.begin > 0


def test_the_door_is_closed_before_the_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        guest = Guest(f"http://127.0.0.1:{server.getsockname()[1]}/", 10)
        guest.connect()
        visitor = server.accept()[0]
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        visitor.close()
    guest.send()
    guest.receive()
    assert "reset" in guest.error or "Broken pipe" in guest.error
