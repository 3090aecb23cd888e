"""A visit over HTTP: what is asked for, and what is kept of it."""

import base64

import httpx
import pytest

from tests.todoctl.course.virtual import URL, VirtualApp, html, judged, picture, played
from todoctl.course.run import Run
from todoctl.evidence.history import Request, Role
from todoctl.evidence.verdict import Outcome


def asked(run: Run, role: Role) -> list[Request]:
    return [event for event in run.history.events if isinstance(event, Request) and event.role is role]


def visited(app: VirtualApp, **options: object) -> Run:
    return played(app, **{"claims": ("shown",)} | options)  # type: ignore[arg-type]


def test_a_picture_in_the_page_is_kept_once_and_not_in_the_page() -> None:
    content = base64.b64encode(picture(1)).decode()
    run = visited(VirtualApp(page=lambda app: f'{app.visits}<img src="data:image/png;base64,{content}">'))
    bodies = run.history.bodies
    assert all(len(bodies[event.answer.body]) < 100 for event in asked(run, Role.PAGE) if event.answer)
    assert {bodies[event.answer.body] for event in asked(run, Role.PICTURE) if event.answer} == {picture(1)}


def test_what_is_no_picture_is_not_kept() -> None:
    run = visited(VirtualApp(others={"/p": lambda _: b"a secret of this network"}))
    assert not [body for body in run.history.bodies.values() if b"secret" in body]
    run = visited(VirtualApp(page=lambda _: '<img src="data:image/png;base64,A">'))
    assert asked(run, Role.PICTURE)[0].error == "a data: address that is damaged"


def test_the_address_of_the_picture_can_be_named() -> None:
    run = visited(VirtualApp(page=lambda _: "<p>To do</p>"), image="p?of=1")
    assert {event.url for event in asked(run, Role.PICTURE)} == {f"{URL}p?of=1"}


def test_user_and_password_are_in_no_history() -> None:
    run = visited(VirtualApp(), url="http://me:secret@app.test/")
    assert "secret" not in str(run.history)


def test_views_during_a_restart_cost_no_memory() -> None:
    app = VirtualApp(page=lambda app: f'{app.visits} {"x" * 9000}<img src="/p">')
    run = visited(app, restart=True, claims=("restart",))
    crowd = [event for event in asked(run, Role.PAGE) if event.crowd]
    assert len(crowd) > 30
    assert {run.history.bodies[event.answer.body] for event in crowd if event.answer} == {b""}


@pytest.mark.parametrize(
    "content", ["<![x]>", "Site Access count: " + "9" * 5000, "<a " * 9000, '<img src="http://[">']
)
def test_a_page_that_no_parser_likes_is_judged(content: str) -> None:
    def answer(app: VirtualApp, _: int) -> httpx.Response | None:
        return html('<img src="/p">' + content) if app.path == "/" else None

    assert judged(VirtualApp(ttl=60, fault=answer)).outcome is not Outcome.FAILED
