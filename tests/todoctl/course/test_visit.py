"""A visit over HTTP: what is asked for, and what is kept of it."""

import base64

import httpx
import pytest

from tests.todoctl.course.virtual import BEGAN, URL, VirtualApp, VirtualClock, judged, picture
from todoctl.course.run import App, Run
from todoctl.evidence.history import Request, Role
from todoctl.evidence.http import Client
from todoctl.evidence.verdict import Outcome


def asked(run: Run, role: Role) -> list[Request]:
    return [event for event in run.history.events if isinstance(event, Request) and event.role is role]


def played(app: VirtualApp, image: str = "") -> Run:
    asked = App(url=URL, ttl=600, claims=("shown",), image=image)
    run = Run(asked, app.clock, client=Client(URL, transport=app))
    run.play()
    return run


def test_a_picture_in_the_page_is_kept_once_and_not_in_the_page() -> None:
    content = base64.b64encode(picture(1)).decode()
    run = played(
        VirtualApp(
            VirtualClock(), page=lambda app: f'{app.visits}<img src="data:image/png;base64,{content}">'
        )
    )
    bodies = run.history.bodies
    assert all(len(bodies[event.answer.body]) < 100 for event in asked(run, Role.PAGE) if event.answer)
    assert {bodies[event.answer.body] for event in asked(run, Role.PICTURE) if event.answer} == {picture(1)}


def test_what_is_no_picture_is_not_kept() -> None:
    run = played(VirtualApp(VirtualClock(), others={"/p": lambda _: b"a secret of this network"}))
    assert not [body for body in run.history.bodies.values() if b"secret" in body]


def test_a_damaged_address_is_no_picture() -> None:
    run = played(VirtualApp(VirtualClock(), page=lambda _: '<img src="data:image/png;base64,A">'))
    assert asked(run, Role.PICTURE)[0].error == "a data: address that is damaged"


def test_the_address_of_the_picture_can_be_named() -> None:
    run = played(VirtualApp(VirtualClock(), page=lambda _: "<p>To do</p>"), image="p?of=1")
    assert {event.url for event in asked(run, Role.PICTURE)} == {f"{URL}p?of=1"}


def test_user_and_password_are_in_no_history() -> None:
    app = VirtualApp(VirtualClock())
    url = "http://me:secret@app.test/"
    run = Run(App(url=url, ttl=600, claims=("shown",)), app.clock, client=Client(url, transport=app))
    run.play()
    assert "secret" not in str(run.history)


def test_views_during_a_restart_cost_no_memory() -> None:
    app = VirtualApp(VirtualClock(), page=lambda app: f'{app.visits} {"x" * 9000}<img src="/p">')
    run = Run(App(url=URL, ttl=600, claims=("restart",), acts={"restart": app.restart}), app.clock,
              client=Client(URL, transport=app))  # fmt: skip
    run.play()
    crowd = [event for event in asked(run, Role.PAGE) if event.crowd]
    assert len(crowd) > 50
    assert {run.history.bodies[event.answer.body] for event in crowd if event.answer} == {b""}
    assert [event.begin > BEGAN for event in crowd]


@pytest.mark.parametrize(
    "html", [b"<![x]>", b"Site Access count: " + b"9" * 5000, b"<a " * 9000, b'<img src="http://[">']
)
def test_a_page_that_no_parser_likes_is_judged(html: bytes) -> None:
    def answer(app: VirtualApp, _: int) -> httpx.Response | None:
        headers = {"content-type": "text/html"}
        page = app.path == "/"
        return httpx.Response(200, headers=headers, content=b'<img src="/p">' + html) if page else None

    assert judged(VirtualApp(VirtualClock(), ttl=60, fault=answer)).outcome is not Outcome.FAILED
