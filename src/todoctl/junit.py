"""The verdict as JUnit XML: one test case a scenario, as CI systems read it."""

from pathlib import Path
from xml.etree import ElementTree as Xml  # only written with here, never read

from todoctl.verdict import Verdict


def write(verdict: Verdict, path: Path) -> None:
    """Writes the report; raises `OSError`."""
    failures = sum(not scenario.passed for scenario in verdict.scenarios)
    suite = Xml.Element(
        "testsuite",
        name=f"todoctl validate {verdict.target}",
        tests=str(len(verdict.scenarios)),
        failures=str(failures),
        errors="0",
        skipped="0",
        time=f"{verdict.seconds:.3f}",
    )
    for scenario in verdict.scenarios:
        case = Xml.SubElement(
            suite,
            "testcase",
            classname=f"todoctl.{verdict.target}",
            name=scenario.name,
            time=f"{scenario.seconds:.3f}",
        )
        if not scenario.passed:
            Xml.SubElement(case, "failure", message=_text(scenario.reason))
        lines = [scenario.title]
        lines += [
            f"{'ok  ' if check.passed else 'FAIL'} {check.name}: expected {check.expected}, saw {check.seen}"
            for check in scenario.checks
        ]
        lines += scenario.notes
        Xml.SubElement(case, "system-out").text = _text("\n".join(lines))
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _text(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(char for char in text if char >= " " or char in "\n\t")
