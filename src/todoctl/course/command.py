"""Commands that the user gives: shown before they are run, and run without a shell."""

import shlex
import subprocess

from todoctl.errors import BadUsageError, UnavailableError

BY_HAND = "Run it by hand to see why; todoctl runs it without a shell"


def split(option: str, command: str) -> list[str]:
    """The words of a command; raises `BadUsageError` where there are none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadUsageError(
            f"{option} {command!r} is no command", why=str(error), fix="Quote it as a shell would have it"
        ) from None
    if not words:
        raise BadUsageError(f"{option} is empty", fix="Name a command and its arguments")
    return words


def run(words: list[str], *, seconds: float) -> str:
    """What the command prints; raises `UnavailableError` where it fails or takes longer than `seconds`."""
    shown = f"The command '{shlex.join(words)}'"
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{shown} has not ended after {seconds:g} s", fix=BY_HAND) from None
    except OSError as error:
        raise UnavailableError(
            f"{shown} cannot be run", why=error.strerror or str(error), fix="Name a program that is there"
        ) from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        raise UnavailableError(f"{shown} failed with exit code {done.returncode}", why=said, fix=BY_HAND)
    return done.stdout
