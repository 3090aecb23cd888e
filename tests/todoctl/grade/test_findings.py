"""Each fault that people make gets its finding, at its line, and no other; what is right gets none."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.todoctl.grade.made import APP, HERE, SLOT, changed, written
from todoctl.grade.adapt import Slot, adapt
from todoctl.grade.catalogue import CATALOGUE, Finding, Severity
from todoctl.grade.submission import find

CASES: list[dict[str, Any]] = yaml.safe_load((HERE / "broken.yaml").read_text())

ROOT = Path(__file__).parents[3]


def findings_of(directory: Path, slot: Slot = SLOT) -> list[Finding]:
    submission = find(directory)
    return [*submission.findings, *adapt(submission, slot).findings]


def test_an_app_with_which_nothing_is_wrong_gets_no_finding(tmp_path: Path) -> None:
    assert findings_of(written(tmp_path, APP)) == []


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_fault_gets_its_finding(tmp_path: Path, case: dict[str, Any]) -> None:
    files = changed(case["change"])
    found = findings_of(written(tmp_path, files), replace(SLOT, **case.get("slot", {})))
    expected = case["finding"] if isinstance(case["finding"], list) else [case["finding"]]
    assert sorted(finding.code for finding in found) == sorted(expected), found
    (finding,) = [finding for finding in found if finding.code == expected[0]]
    ((name, text),) = case["at"].items()
    file, _, line = finding.at.rpartition(":")
    assert file == name
    assert text in files[name].splitlines()[int(line) - 1]
    assert (finding.severity is Severity.REFUSED) == (finding.code == "refused")
    assert finding.fix


def test_every_finding_has_a_case() -> None:
    listed = [case["finding"] for case in CASES]
    assert {code for one in listed for code in ([one] if isinstance(one, str) else one)} == CATALOGUE.keys()


def test_the_documentation_has_every_finding() -> None:
    table = (ROOT / "docs/grading.md").read_text().partition("| finding |")[2]
    heads = [row.split(" | ")[0] for row in table.splitlines() if row.startswith("| `")]
    documented = {code for head in heads for code in re.findall(r"`([a-z0-9-]+)`", head)}
    assert documented == CATALOGUE.keys()
