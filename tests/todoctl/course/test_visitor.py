"""A visit over HTTP."""

import pytest

from tests.todoctl.course.imitation import Imitation, imitation
from tests.todoctl.course.made import Seen, made
from todoctl.course.visitor import HttpVisitor, NoPicture
from todoctl.evidence.history import History, Request


def visit(app: Imitation, *, image: str = "") -> list[Request]:
    history: History = made(Seen(0, ""))
    history.events.clear()
    asker = HttpVisitor(f"{app.url}/", history, image=image)
    try:
        asker.visit(1, "shown")
        asker.rest()
    finally:
        asker.close()
    return [event for event in history.events if isinstance(event, Request)]


def test_the_address_of_the_picture_can_be_named() -> None:
    with imitation(Imitation(show="none")) as app:
        page, shown = visit(app, image="image")
        with pytest.raises(NoPicture):
            visit(app)
    assert (page.url, shown.url) == (f"{app.url}/", f"{app.url}/image")
    assert shown.answer
    assert shown.answer.status == 200


def test_a_picture_elsewhere_is_asked_for_there() -> None:
    with imitation(Imitation(show="far")) as app:
        _, shown = visit(app)
    assert shown.url == f"{app.service}/500"


def test_a_damaged_address_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoctl.evidence.pictures.from_data_url", lambda _: None)
    with imitation(Imitation(show="data")) as app:
        _, shown = visit(app)
    assert shown.error == "a data: address that is damaged"


def test_no_picture_is_asked_for_where_there_is_no_page() -> None:
    with imitation(Imitation(show="error")) as app:
        [page] = visit(app)
    assert page.answer
    assert page.answer.status == 500
    [page] = visit(app)
    assert "refused" in page.error
