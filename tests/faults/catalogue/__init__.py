"""The catalogue of faults, made by going through docs/contract.md sentence by sentence."""

from tests.faults.catalogue import (
    counts,
    crowds,
    damage,
    detached,
    limits,
    outages,
    page,
    parts,
    pictures,
    policy,
    restarts,
    start,
    state,
    together,
    values,
    wire,
)
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *start.FAULTS,
    *policy.FAULTS,
    *counts.FAULTS,
    *restarts.FAULTS,
    *outages.FAULTS,
    *crowds.FAULTS,
    *together.FAULTS,
    *damage.FAULTS,
    *values.FAULTS,
    *detached.FAULTS,
    *pictures.FAULTS,
    *page.FAULTS,
    *parts.FAULTS,
    *wire.FAULTS,
    *limits.FAULTS,
    *state.FAULTS,
)
