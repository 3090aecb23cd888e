"""`todoctl judge`."""

from pathlib import Path
from typing import Annotated

import typer

from todoctl.cli.options import JsonOption, examples
from todoctl.cli.verdict import (
    DetailsOption,
    HtmlOption,
    JunitOption,
    QuietOption,
    ReportOption,
    show_results,
    wanted,
)
from todoctl.cli.verdict import (
    report as tell,
)
from todoctl.errors import BadUsageError

EXAMPLES = examples("""
    # A report of a run that was saved
    todoctl validate --json > run.json
    todoctl judge run.json --report report.html
""")


def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'todoctl validate --json' has printed.")],
    report: ReportOption = None,
    junit: JunitOption = None,
    html: HtmlOption = None,
    details: DetailsOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge a saved run again, with no app around."""
    from todoctl.course.claims import judge as judge_other
    from todoctl.evidence.history import History
    from todoctl.evidence.judging import judged
    from todoctl.evidence.verdict import exit_code
    from todoctl.terminal import Terminal
    from todoctl.validation.checkers import judge as judge_ours

    found = wanted(report, junit, html, kept=file)
    histories = [History.from_json(plain) for plain in _read(file)]
    verdicts = [
        verdict
        for history in histories
        for verdict in judged([history], judge_other if history.facts.kind == "claims" else judge_ours)
    ]
    terminal = Terminal(stderr=as_json, quiet=quiet)
    show_results(verdicts, terminal)
    tell(verdicts, terminal, details=details, as_json=as_json, wanted=found)
    raise typer.Exit(exit_code(verdicts))


def _read(file: Path) -> list[object]:
    """The histories in `file`, alone or within verdicts; raises `BadUsageError`."""
    import json

    try:
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from None
    except json.JSONDecodeError as error:
        raise _unreadable(file, f"it is no JSON: {error}") from None
    except RecursionError:
        raise _unreadable(file, "its JSON is nested too deeply") from None
    except ValueError:  # no text, or a number without an end
        raise _unreadable(file, "it is no JSON") from None
    apps = value.get("apps") if isinstance(value, dict) else None
    return [
        one.get("history", one) if isinstance(one, dict) else one
        for one in (apps if isinstance(apps, list) and apps else [value])
    ]


def _unreadable(file: Path, why: str) -> BadUsageError:
    from todoctl.evidence.history import FIX

    return BadUsageError(f"{file} cannot be read", why=why, fix=FIX)
