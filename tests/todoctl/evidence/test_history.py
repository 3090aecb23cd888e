"""A history goes into a file and comes out of it as it was."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.todoctl.validation.histories import Script
from todoctl.errors import BadUsageError
from todoctl.evidence.history import LATEST, History
from todoctl.evidence.reports import phrases


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


def event(told: dict[str, Any], kind: str) -> dict[str, Any]:
    """The first one of its kind."""
    return next(one for one in told["events"] if one["type"] == kind)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda told: told.update(version=1), "it has version 1, not 2"),
        (lambda told: told.pop("facts"), "Object missing required field `facts`"),
        (lambda told: told["events"][1].update(begin="soon"), "Expected `float`"),
        (lambda told: told["events"][1].update(kind="no such", type="no such"), "no such"),
        (lambda told: told["bodies"].update(x={"base64": "#"}), "Invalid base64"),
        (lambda told: told["bodies"].update(x={}), "missing required field `text` or `base64`"),
        (lambda told: told["bodies"].update(x={"text": "\ud800"}), "a text in it has half a character"),
        (lambda told: event(told, "request").update(answer="\ud800"), "a text in it has half a character"),
        (lambda told: told["bodies"].update(x=1), "Expected `object`, got `int`"),
        (lambda told: told.update(bodies=None), "Expected `object`, got `null` - at `$.bodies`"),
        (lambda told: told.pop("bodies"), "Object missing required field `bodies`"),
        (lambda told: event(told, "request")["answer"].update(body="<b>"), "names is missing"),
        (lambda told: event(told, "download").update(picture="<b>"), "names is missing"),
        (lambda told: event(told, "volume")["files"][0].update(body="<b>"), "names is missing"),
        (
            lambda told: event(told, "act").update(files={"a": "<b>"}),
            "the body that event 0 names is missing",
        ),
    ],
)
def test_what_is_no_history_is_told(spoil: Callable[[dict[str, Any]], object], why: str) -> None:
    told = history().to_json()
    spoil(told)
    with pytest.raises(BadUsageError, match=r"This is not the JSON of a validation: .+ Name a file") as error:
        History.from_json(told)
    assert why in str(error.value)


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), -1.0, 1e18])
@pytest.mark.parametrize("field", ["begin", "stopped", "began_at", "ended_at"])
def test_a_moment_has_a_date(field: str, moment: float) -> None:
    told = history().to_json()
    holders = {"ended_at": told, "began_at": told["facts"]}
    holders.get(field, told["events"][0])[field] = moment
    with pytest.raises(BadUsageError, match=rf"Expected `float` [<>]= .* - at `\$\..*{field}`"):
        History.from_json(told)


@pytest.mark.parametrize("value", [None, 1, [], "x", {}])
def test_no_object_is_no_history(value: object) -> None:
    with pytest.raises(BadUsageError):
        History.from_json(value)


def test_not_every_body_of_another_apps_volume_is_kept() -> None:
    told = history().to_json()
    told["facts"]["kind"] = "claims"
    event(told, "volume")["files"][0].update(body="<b>", modified=-1.0)
    event(told, "act").update(files={"a": ""})
    assert History.from_json(told).facts.kind == "claims"


def test_what_is_written_can_be_dated() -> None:
    assert phrases.day(LATEST) == "9999-12-31 23:59:59 UTC"
    assert phrases.clock(0) == "00:00:00.000"
