"""Under GitHub Actions: an annotation for each scenario that did not pass, and the verdict as a job summary.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from todoctl.evidence.reports.phrases import (
    counted,
    event,
    headline,
    origin,
    place,
    seconds,
    short,
    summary,
)
from todoctl.evidence.verdict import Outcome, ScenarioResult, Verdict

MOST_CHECKS = 20
"""Failed checks in the summary: GitHub takes 1 MiB of it, and nobody reads more."""

SIGNS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.NOT_JUDGED: "⚠️"}


def publish(
    verdict: Verdict, environment: Mapping[str, str], output: TextIO, note: Callable[[str], None]
) -> None:
    """Tells GitHub Actions of the verdict; does nothing elsewhere.

    The runner reads annotations from standard output and from standard error. `note` is told where the
    summary could not be written.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    output.writelines(f"{line}\n" for line in annotations(verdict))
    output.flush()
    path = environment.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown(verdict))
    except OSError as error:
        note(f"GitHub's job summary was not written: {error.strerror or error}")


def annotations(verdict: Verdict) -> Iterator[str]:
    """A workflow command for each scenario that keeps the run from passing."""
    for result in verdict.scenarios:
        if verdict.spoils(result):
            title = _property(f"todoctl validate: {result.name} {result.outcome.value}")
            yield f"::error title={title}::{_data(f'{result.title} {short(result.reason, 1000)}')}"
    if verdict.history.interrupted:
        yield f"::error title=todoctl validate%3A interrupted::Not all {verdict.thing}s were played."


def markdown(verdict: Verdict) -> str:
    """The job summary: a table of the scenarios, then the failed checks."""
    lines = [
        f"## todoctl validate: {headline(verdict)}",
        "",
        f"{escape(summary(verdict))} on {escape(place(verdict))}, {escape(seconds(verdict.seconds))}",
        "",
        f"| | {verdict.thing} | what was seen | time |",
        "|---|---|---|--:|",
    ]
    lines += [
        f"| {SIGNS[result.outcome]} {result.outcome.value} | {escape(result.name)} | {escape(result.reason)} "
        f"| {escape(seconds(result.seconds))} |"
        for result in verdict.scenarios
    ]
    for result in verdict.scenarios:
        lines += _failures(verdict, result)
    return "\n".join([*lines, "", ""])


def _failures(verdict: Verdict, result: ScenarioResult) -> list[str]:
    if not result.failures:
        return []
    lines = [
        "",
        f"### {escape(result.name)}: {escape(result.title)}",
        "",
        f"| check | expected | seen | {origin(verdict)} | event |",
        "|---|---|---|---|---|",
    ]
    for check in result.failures[:MOST_CHECKS]:
        cells = (check.name, check.expected, check.seen, check.sentence, event(verdict, check.event))
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    if len(result.failures) > MOST_CHECKS:
        lines += ["", f"… and {counted(len(result.failures) - MOST_CHECKS, 'failed check')} more"]
    return lines


def escape(text: str) -> str:
    """`text` on one line of Markdown, as itself: a backslash goes before any ASCII sign (CommonMark)."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", short(text))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
