"""What can go wrong, said in one line: what happened, why, and what to do."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command; documented in docs/reference.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_JUDGED = 4
    INTERRUPTED = 130
    TERMINATED = 143


class TodoctlError(Exception):
    """A failure that is shown in one line; each has a `fix`, which says what to do about it."""

    code = ExitCode.UNAVAILABLE

    def __init__(self, what: str, *, why: str = "", fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        line = self.what
        if self.why:
            line += f": {self.why.rstrip('.')}"
        if self.fix:
            line += f". {self.fix}"
        return " ".join(line.split()).rstrip(".") + "."


class BadUsageError(TodoctlError):
    """The command line asks for something that makes no sense."""

    code = ExitCode.USAGE


class UnavailableError(TodoctlError):
    """The machine lacks something, or the target is not up."""


class LockedError(UnavailableError):
    """Another todoctl command is changing something."""


class CommandFailedError(UnavailableError):
    """A command has come to its end, with another exit code than 0."""

    def __init__(self, what: str, *, why: str, exit_code: int) -> None:
        super().__init__(what, why=why, fix="See 'todoctl logs', and run the command again")
        self.exit_code = exit_code
