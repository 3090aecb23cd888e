"""Under GitHub Actions: an annotation for each scenario that did not pass, and the verdict as a job summary.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from todoctl.evidence.reports.markdown import markdown
from todoctl.evidence.reports.phrases import short
from todoctl.evidence.verdict import Verdict


def publish(
    verdict: Verdict, environment: Mapping[str, str], output: TextIO, note: Callable[[str], None]
) -> None:
    """Tells GitHub Actions of the verdict; does nothing elsewhere.

    The runner reads annotations from standard output and from standard error. `note` gets what could not be
    written.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    output.writelines(f"{line}\n" for line in annotations(verdict))
    output.flush()
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown(verdict))
        except OSError as error:
            note(f"GitHub's job summary was not written: {error.strerror or error}")


def annotations(verdict: Verdict) -> Iterator[str]:
    """Returns a workflow command for each scenario that keeps the run from passing."""
    for result in filter(verdict.spoils, verdict.scenarios):
        title = _property(f"todoctl validate: {result.name} {result.outcome.value}")
        yield f"::error title={title}::{_data(f'{result.title} {short(result.reason, 1000)}')}"
    if verdict.history.interrupted:
        yield f"::error title=todoctl validate%3A interrupted::Not all {verdict.thing}s were played."


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
