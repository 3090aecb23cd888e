"""The judge's sentences are the document's, and every claim is somebody's to prove."""

import re
from pathlib import Path

import pytest

from todoctl.validation.claims import CLAIMS, SEEN
from todoctl.validation.scenarios import SCENARIOS

CONTRACT = Path(__file__).parents[3] / "docs" / "contract.md"


def plain(text: str) -> str:
    """Without markup and line breaks; a table's cells stay apart."""
    return " ".join(re.sub(r"[`*\\]", "", text).split())


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_sentence_is_in_the_document(claim: str) -> None:
    assert plain(CLAIMS[claim]) in plain(CONTRACT.read_text(encoding="utf-8"))


def test_scenarios_prove_claims_that_there_are() -> None:
    assert {claim for scenario in SCENARIOS for claim in scenario.proves} <= CLAIMS.keys()
    assert SEEN.keys() <= CLAIMS.keys()


def test_every_scenario_says_what_it_claims() -> None:
    assert all(scenario.title.endswith(".") and scenario.proves for scenario in SCENARIOS)
