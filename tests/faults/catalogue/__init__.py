"""The catalogue of faults, made by going through docs/contract.md sentence by sentence."""

from tests.faults.catalogue import counts, crowds, outages, page, policy, restarts, start, state, wire
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *start.FAULTS,
    *policy.FAULTS,
    *counts.FAULTS,
    *restarts.FAULTS,
    *outages.FAULTS,
    *crowds.FAULTS,
    *page.FAULTS,
    *wire.FAULTS,
    *state.FAULTS,
)
