"""The verdict as JUnit XML, held against the rules of Jenkins' junit-10.xsd."""

import re
from pathlib import Path
from xml.etree import ElementTree as Xml

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.reports import junit
from todoctl.evidence.verdict import Verdict

RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
"""For each element the attributes that it must and may have, and what may be in it.

https://github.com/jenkinsci/xunit-plugin, …/types/model/xsd/junit-10.xsd: no package brings it along, and a
copy would be foreign code here.
"""

TIME = re.compile(r"\d+\.\d{3}")


def read(made: Verdict) -> Xml.Element:
    """The report of `made`; AssertionError where it breaks a rule."""
    root = Xml.fromstring(junit.render([made]))  # noqa: S314 - our own text
    assert root.tag == "testsuites"
    for element in root.iter():
        must, may, inside = RULES[element.tag]
        assert must <= set(element.keys()) <= must | may, element.tag
        assert {child.tag for child in element} <= inside, element.tag
        assert TIME.fullmatch(element.get("time", "0.000"))
    suite = root[0]
    for kind, count in (("testcase", "tests"), ("failure", "failures"), ("error", "errors")):
        assert len(list(suite.iter(kind))) == int(suite.get(count, "")) == int(root.get(count, ""))
    return suite


def case(suite: Xml.Element, name: str) -> Xml.Element:
    return next(found for found in suite.iter("testcase") if found.get("name") == name)


def test_a_scenario_is_a_case() -> None:
    suite = read(verdicts.verdict())
    assert [found.get("name") for found in suite.iter("testcase")] == [
        name for name, *_ in verdicts.SCENARIOS
    ]
    assert (suite.get("timestamp"), suite.get("skipped")) == ("2026-09-21T14:13:20", "0")
    assert case(suite, "grace").get("classname") == "todoctl.local"
    assert {found.get("name"): found.get("value") for found in suite.iter("property")} == {
        "url": "http://localhost:8081",
        "entrance": "through the cluster's ingress",
        "ttl": "600",
        "source": "sample:",
    }
    out = case(suite, "grace").findtext("system-out") or ""
    assert out.splitlines()[0] == "The first view after the expiry gets the same bytes."
    assert "ok   Status: expected Grace period, saw Grace period" in out


def test_a_failure_says_what_and_why() -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "grace", seen="7", times=2)
    found = case(read(made), "grace").find("failure")
    assert found is not None
    assert found.get("message") == "Status: expected Grace period, saw 7 (and 1 more)"
    assert found.get("type") == "grace"
    assert "the contract: it is older and the grace view is unspent" in (found.text or "")


def test_what_was_not_judged_is_red_too() -> None:
    made = verdicts.verdict()
    verdicts.leave(made, "kill")
    verdicts.find(made, "restart").error = "It does not start."
    suite = read(made)
    for name, kind, message in (("kill", "grace", "not seen: it is"), ("restart", "error", "It does not")):
        error = case(suite, name).find("error")
        assert error is not None
        assert error.get("type") == kind
        assert (error.get("message") or "").startswith(message)
    assert "note: try 1 was repeated" in (case(suite, "kill").findtext("system-out") or "")


def test_an_interrupted_run_is_not_green() -> None:
    made = verdicts.verdict(names=3)
    made.history.interrupted = True
    suite = read(made)
    assert (suite.get("tests"), suite.get("errors")) == ("4", "1")
    error = case(suite, "interrupted").find("error")
    assert error is not None
    assert (error.get("message") or "").startswith("Interrupted")


def test_nothing_breaks_the_xml(tmp_path: Path) -> None:
    made = verdicts.verdict()
    result = verdicts.fail(made, "grace", seen="</failure>]]>&\0\x1b\ud800\ufffe" + "x" * 1_000_000)
    result.title = "a \0title"
    (tmp_path / "junit.xml").write_bytes(junit.render([made]))
    assert (tmp_path / "junit.xml").stat().st_size < 20_000
    found = case(read(made), "grace")
    failure = found.find("failure")
    assert failure is not None
    assert "</failure>]]>&\\x00\\x1b\\ud800\\ufffexx" in (failure.text or "")
    assert (found.findtext("system-out") or "").startswith("a title")
