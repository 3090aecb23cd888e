"""Faults planted in the real app: one for each scenario here, all of them in `nox -s faults`."""

import ast

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.fault import APP, Edit, Fault, planted
from tests.faults.trial import trial
from todoctl.errors import UnavailableError
from todoctl.evidence.verdict import Outcome
from todoctl.validation.claims import CLAIMS

ONE_EACH = {fault.scenario: fault for fault in reversed(FAULTS)}


@pytest.mark.live
@pytest.mark.smoke
@pytest.mark.parametrize("fault", ONE_EACH.values(), ids=lambda fault: fault.scenario)
def test_a_fault_is_convicted(fault: Fault) -> None:
    (result,) = trial(fault, [fault.scenario]).scenarios
    assert result.outcome is Outcome.FAILED, result.reason


def test_the_catalogue_is_sound() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) > 50
    for fault in FAULTS:
        source = (APP / f"{fault.module}.py").read_text()
        assert source.count(fault.old) == 1, fault.name
        ast.parse(source.replace(fault.old, fault.new))
        assert fault.claim in CLAIMS, fault.name


@pytest.mark.live
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


@pytest.mark.live
def test_nothing_stays_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TODOAPP_FAULT", raising=False)
    with planted(FAULTS[0]):
        pass
    (result,) = trial(None, ["deployed"]).scenarios
    assert result.passed, result.reason
