"""The verdict as Markdown, for an issue, a pull request or GitHub's job summary."""

import re
from collections.abc import Sequence

from todoctl.evidence.reports import report
from todoctl.evidence.reports.phrases import (
    counted,
    event,
    headline,
    origin,
    seconds,
    short,
    subject,
    summary,
)
from todoctl.evidence.verdict import Outcome, ScenarioResult, Verdict

MAX_CHECKS = 20
"""Failed checks of a scenario: GitHub takes 1 MiB of a summary, and nobody reads more."""

SIGNS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.NOT_JUDGED: "⚠️"}


@report(".md")
def render(verdicts: Sequence[Verdict]) -> bytes:
    """Returns the report, a part for each verdict."""
    return "\n".join(map(markdown, verdicts)).encode(errors="replace")


def markdown(verdict: Verdict) -> str:
    """Returns a table of the scenarios, then the failed checks."""
    lines = [
        f"## todoctl validate: {headline(verdict)}",
        "",
        f"{escape(summary(verdict))} on {escape(subject(verdict))}, {escape(seconds(verdict.seconds))}",
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
    for check in result.failures[:MAX_CHECKS]:
        cells = (check.name, check.expected, check.seen, check.sentence, event(verdict, check.event))
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    if len(result.failures) > MAX_CHECKS:
        lines += ["", f"… and {counted(len(result.failures) - MAX_CHECKS, 'failed check')} more"]
    return lines


MARKUP = re.compile(r"[\\`*<&|\[]|(?<!\w)_|_(?!\w)|~(?=~)|[@#](?=\w)|:(?=//)")
"""What Markdown, or GitHub's, would take for more than a sign."""


def escape(text: str) -> str:
    """Returns `text` on one line, as itself."""
    return MARKUP.sub(r"\\\g<0>", short(text))
