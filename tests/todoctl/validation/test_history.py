"""A history goes into a file and comes out of it as it was."""

import json

import pytest

from tests.todoctl.validation.histories import Script
from todoctl.errors import BadUsageError
from todoctl.validation.history import History


def history() -> History:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.volume()
    return script.finished("valid")


def test_a_history_survives_its_file() -> None:
    made = history()
    told = json.loads(json.dumps(made.to_json()))
    assert History.from_json(told) == made
    assert {"text", "base64"} == {key for body in told["bodies"].values() for key in body}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda told: told.update(version=2), "it has version 2, not 1"),
        (lambda told: told.pop("facts"), "facts"),
        (lambda told: told["events"][1].update(begin="soon"), "Expected `float`"),
        (lambda told: told["events"][1].update(kind="no such", type="no such"), "no such"),
        (lambda told: told["bodies"].update(x={"base64": "#"}), ""),
        (lambda told: told["bodies"].update(x=1), ""),
        (lambda told: told.update(bodies=None), ""),
    ],
)
def test_what_is_no_history_is_told(spoil: object, why: str) -> None:
    told = history().to_json()
    assert callable(spoil)
    spoil(told)
    with pytest.raises(BadUsageError, match="This is no history of a validation") as error:
        History.from_json(told)
    assert why in str(error.value)


@pytest.mark.parametrize("value", [None, 1, [], "x", {}])
def test_no_object_is_no_history(value: object) -> None:
    with pytest.raises(BadUsageError):
        History.from_json(value)
