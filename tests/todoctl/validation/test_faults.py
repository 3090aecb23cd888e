"""Faults in the real app: each is convicted by the scenario that is there for it, a healthy app by none."""

import ast

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.fault import APP, Edit, Fault, planted
from tests.faults.trial import trial
from todoctl.errors import UnavailableError
from todoctl.evidence.verdict import Outcome
from todoctl.validation.contract import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

TRIES = 5
"""A busy machine may not bring about what a fault needs to show itself, such as visitors who come at once."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_convicted(fault: Fault) -> None:
    for _ in range(TRIES):
        (result,) = trial(fault, [fault.scenario]).scenarios
        if result.outcome is Outcome.FAILED:
            return
    pytest.fail(result.reason)


@pytest.mark.parametrize("scenario", [scenario.name for scenario in SCENARIOS])
def test_the_healthy_app_is_acquitted(scenario: str) -> None:
    (result,) = trial(None, [scenario]).scenarios
    assert result.passed, result.reason


def test_the_catalogue_is_sound() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        source = (APP / f"{fault.module}.py").read_text()
        assert source.count(fault.old) == 1, fault.name
        ast.parse(source.replace(fault.old, fault.new))
        assert fault.claim in CLAIMS, fault.name


@pytest.mark.parametrize(
    "edit",
    [
        Edit("there is no such text", "policy", "no such text", ""),
        Edit("the text is there twice", "policy", "return", "return"),
    ],
    ids=lambda edit: edit.name,
)
def test_a_fault_that_does_not_fit_is_loud(edit: Edit) -> None:
    with pytest.raises(UnavailableError, match="ended with code 1 while starting"):
        trial(edit)


def test_nothing_stays_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TODOAPP_FAULT", raising=False)
    with planted(FAULTS[0]):
        pass
    (result,) = trial(None, ["deployed"]).scenarios
    assert result.passed, result.reason
