"""The verdict as JUnit XML: one test case a scenario, as CI systems read it.

The form is that of Jenkins' junit-10.xsd, which GitLab, GitHub's reporters and Azure read too. A scenario
that could not be judged is an `<error>`: todoctl ends with exit code 4 for it, and every CI system shows an
error in red. `<skipped>` is shown as harmless: it is for a claim that does not count.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml  # only written with here, never read

from todoctl.evidence.reports import report
from todoctl.evidence.reports.phrases import headline, origin, short, subject
from todoctl.evidence.verdict import Check, Outcome, ScenarioResult, Verdict

COUNTS = ("tests", "failures", "errors")


@report(".xml")
def render(verdicts: Sequence[Verdict]) -> bytes:
    """Returns the report, a suite for each verdict."""
    root = Xml.Element("testsuites", name="todoctl validate")
    suites = [_suite(root, verdict) for verdict in verdicts]
    for name in COUNTS:
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{max((verdict.seconds for verdict in verdicts), default=0.0):.3f}")
    Xml.indent(root)
    text: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _suite(root: Xml.Element, verdict: Verdict) -> Xml.Element:
    kinds = [_kind(verdict, result) for result in verdict.scenarios]
    interrupted, facts = verdict.history.interrupted, verdict.history.facts
    about = {
        "name": f"todoctl validate {subject(verdict)}",
        "timestamp": datetime.fromtimestamp(facts.began_at, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        # An interrupted run is one error more: what was not played must not look as if it were green.
        "tests": str(len(kinds) + interrupted),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error") + interrupted),
        "skipped": str(kinds.count("skipped")),
        "time": f"{verdict.seconds:.3f}",
    }
    suite = Xml.SubElement(root, "testsuite", about)
    properties = Xml.SubElement(suite, "properties")
    known = {"url": facts.url, "entrance": facts.entrance, "ttl": f"{facts.ttl:g}", "source": facts.source}
    for name, value in known.items():
        Xml.SubElement(properties, "property", name=name, value=_text(short(value)))
    for result, kind in zip(verdict.scenarios, kinds, strict=True):
        _case(suite, verdict, result, kind)
    if interrupted:
        case = _element(suite, verdict, "interrupted", 0.0)
        message = f"Interrupted: the {verdict.thing}s above were played until then"
        Xml.SubElement(case, "error", message=message, type=headline(verdict))
    return suite


def _kind(verdict: Verdict, result: ScenarioResult) -> str:
    """The element of a case that did not pass; empty for one that did."""
    if result.passed:
        return ""
    if not verdict.spoils(result):
        return "skipped"
    return "failure" if result.outcome is Outcome.FAILED else "error"


def _case(suite: Xml.Element, verdict: Verdict, result: ScenarioResult, kind: str) -> None:
    case = _element(suite, verdict, result.name, result.seconds)
    source = origin(verdict)
    if kind:
        claims = {check.claim for check in result.failures} or result.missing
        inside = Xml.SubElement(case, kind, message=_text(short(result.reason, 1000)))
        if kind != "skipped":
            inside.set("type", _text(short(", ".join(sorted(claims)) or kind)))
        inside.text = _text("\n".join(line for check in result.failures for line in _lines(check, source)))
    lines = [result.title, *(line for check in result.checks for line in _lines(check, source))]
    lines += [f"note: {short(note)}" for note in result.notes]
    Xml.SubElement(case, "system-out").text = _text("\n".join(lines))


def _element(suite: Xml.Element, verdict: Verdict, name: str, seconds: float) -> Xml.Element:
    where = f"todoctl.{_text(short(subject(verdict)))}"
    return Xml.SubElement(suite, "testcase", classname=where, name=_text(name), time=f"{seconds:.3f}")


def _lines(check: Check, source: str) -> list[str]:
    sign = "ok  " if check.passed else "FAIL"
    line = f"{sign} {short(check.name)}: expected {short(check.expected)}, saw {short(check.seen)}"
    return [line] if check.passed else [line, f"     event {check.event}; {source}: {check.sentence}"]


def _text(text: str) -> str:
    """Without the characters that XML cannot hold: not every text came through `short`."""
    return re.sub("[^\n\t -\ud7ff\ue000-\ufffd]", "", text)
