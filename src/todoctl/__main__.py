"""The entry point: runs a command, and turns every failure into one line and an exit code."""

import codecs
import errno
import io
import os
import signal
import sys
from types import FrameType

from typer.exceptions import Abort, TyperException

from todoctl.cli.app import app
from todoctl.cli.options import verbose
from todoctl.errors import ExitCode, TodoctlError

ASCII = {
    **dict(zip("✓✗→–—…×·│─━╸╺", ("ok", "x", "->", "-", "-", "...", "x", "-", "|", *"----"), strict=True)),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "*"),
}
"""What stands for a character of ours where an output cannot encode it."""


class TerminatedError(BaseException):
    """SIGTERM came: unwinds like Ctrl-C does, so that what was begun is put back."""


def _terminate(number: int, _frame: FrameType | None) -> None:
    # `timeout` sends it twice: the second must not end the putting back of what was begun.
    # No SIG_IGN: what is started meanwhile would inherit it.
    signal.signal(number, lambda *_: None)
    raise TerminatedError


def main() -> None:
    """Runs the command line and exits."""
    _prepare_streams()
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        if name in os.environ and not os.environ[name].strip("0").isdecimal():
            del os.environ[name]  # some terminals say that they have no columns
    # httpx's own command line, which takes longer to import than httpx; without it httpx does as well.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    sys.exit(run(sys.argv[1:]))


def _prepare_streams() -> None:
    """Opens the standard streams that the shell has closed, as by >&-, and lets all of them take any text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    codecs.register_error("todoctl", _in_ascii)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name) or os.fdopen(number, "w", encoding="utf-8")
        setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="todoctl")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Replaces what an output cannot encode."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    return "".join(ASCII.get(char) or ascii(char)[1:-1] for char in part), error.end


def run(arguments: list[str]) -> int:
    """Runs a command; returns the exit code. With `--verbose` a failure's traceback is shown as well."""
    verbose.clear()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return invoke(arguments)
    except SystemExit:
        raise  # shell completion ends this way
    except BaseException as error:  # noqa: BLE001 - no traceback reaches a user who did not ask for it
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()  # whoever read our output has gone: nobody is left to tell
            return ExitCode.FAILED
        line, code = explain(error)
        if verbose.is_set():
            import traceback

            traceback.print_exc()
        print(f"todoctl: {line}", file=sys.stderr)  # noqa: T201 - the one place that may
        return code


def invoke(arguments: list[str]) -> int:
    """Lets Typer run the command; returns the exit code that it settles on."""
    try:
        code = int(app(arguments, prog_name="todoctl", standalone_mode=False) or ExitCode.OK)
    except TyperException as error:
        if error.format_message():
            raise
        return error.exit_code  # the help was shown, because nothing was given
    if code == ExitCode.INTERRUPTED:  # Typer has caught the Ctrl-C and said nothing
        raise KeyboardInterrupt
    return code


def explain(error: BaseException) -> tuple[str, int]:
    """Returns what to say of `error`, in one line, and the exit code."""
    match error:
        case TodoctlError():
            return str(error), error.code
        case TyperException():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "todoctl"
            message = " ".join(error.format_message().split()).rstrip(".")
            end = "" if message.endswith("?") else "."
            return f"{message}{end} See '{command} --help'.", error.exit_code
        case KeyboardInterrupt() | Abort():
            return "Interrupted; run the command again to go on.", ExitCode.INTERRUPTED
        case TerminatedError():
            return "Terminated; run the command again to go on.", ExitCode.TERMINATED
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            what = "There is no space left to write to. Free some"
        case OSError(filename=str(), strerror=str()):
            what = f"{error.filename} cannot be used: {error.strerror}. Mend that"
        case _:
            why = " ".join(str(error).split()) or type(error).__name__
            return f"Unexpected: {why}. With --verbose the command shows where.", ExitCode.FAILED
    return f"{what}, and run the command again.", ExitCode.UNAVAILABLE


if __name__ == "__main__":
    main()
