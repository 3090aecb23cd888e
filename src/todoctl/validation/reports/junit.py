"""The verdict as JUnit XML: one test case a scenario, as CI systems read it.

The form is that of Jenkins' junit-10.xsd, which GitLab, GitHub's reporters and Azure read too. A scenario
that could not be judged is an `<error>`: todoctl ends with exit code 1 for it, and every CI system shows an
error in red. `<skipped>` would be shown as harmless.
"""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as Xml  # only written with here, never read

from todoctl.validation.reports.phrases import headline, short
from todoctl.validation.verdict import Check, Outcome, ScenarioResult, Verdict


def write(verdict: Verdict, path: Path) -> None:
    """Writes the report; raises `OSError`."""
    path.write_bytes(render(verdict))


def render(verdict: Verdict) -> bytes:
    outcomes = [result.outcome for result in verdict.scenarios]
    interrupted = verdict.history.interrupted
    facts = verdict.history.facts
    counts = {
        # An interrupted run is one error more: what was not played must not look as if it were green.
        "tests": str(len(outcomes) + interrupted),
        "failures": str(outcomes.count(Outcome.FAILED)),
        "errors": str(outcomes.count(Outcome.NOT_JUDGED) + interrupted),
        "time": f"{verdict.seconds:.3f}",
    }
    about = {
        "name": f"todoctl validate {short(facts.target)}",
        "skipped": "0",
        "timestamp": datetime.fromtimestamp(facts.began_at, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    }
    root = Xml.Element("testsuites", {"name": "todoctl validate", **counts})
    suite = Xml.SubElement(root, "testsuite", {**about, **counts})
    properties = Xml.SubElement(suite, "properties")
    for name, value in (("url", facts.url), ("ttl", f"{facts.ttl:g}"), ("source", facts.source)):
        Xml.SubElement(properties, "property", name=name, value=_text(short(value)))
    for result in verdict.scenarios:
        _case(suite, facts.target, result)
    if interrupted:
        case = _element(suite, facts.target, "interrupted", 0.0)
        message = "Interrupted: the scenarios above were played until then"
        Xml.SubElement(case, "error", message=message, type=headline(verdict))
    Xml.indent(root)
    text: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _case(suite: Xml.Element, target: str, result: ScenarioResult) -> None:
    case = _element(suite, target, result.name, result.seconds)
    if not result.passed:
        failed = result.outcome is Outcome.FAILED
        kind = "failure" if failed else "error"
        claims = sorted({check.claim for check in result.failures}) if failed else result.missing
        inside = Xml.SubElement(
            case,
            kind,
            message=_text(short(result.reason, 1000)),
            type=_text(short(", ".join(claims) or kind)),
        )
        inside.text = _text("\n".join(line for check in result.failures for line in _lines(check)))
    lines = [result.title, *(line for check in result.checks for line in _lines(check))]
    lines += [f"note: {short(note)}" for note in result.notes]
    Xml.SubElement(case, "system-out").text = _text("\n".join(lines))


def _element(suite: Xml.Element, target: str, name: str, seconds: float) -> Xml.Element:
    return Xml.SubElement(
        suite,
        "testcase",
        classname=f"todoctl.{_text(short(target))}",
        name=_text(name),
        time=f"{seconds:.3f}",
    )


def _lines(check: Check) -> list[str]:
    mark = "ok  " if check.passed else "FAIL"
    told = f"{mark} {short(check.name)}: expected {short(check.expected)}, saw {short(check.seen)}"
    return [told] if check.passed else [told, f"     event {check.event}; the contract: {check.sentence}"]


def _text(text: str) -> str:
    """Without the characters that XML cannot hold: not every text came through `short`."""
    return "".join(
        char for char in text if char in "\n\t" or " " <= char < "\ud800" or "\ue000" <= char < "\ufffe"
    )
