"""Where what is up is remembered, and which of it a command is about."""

from contextlib import suppress
from typing import TYPE_CHECKING

from todoctl.errors import TodoctlError

if TYPE_CHECKING:
    from todoctl.console import Terminal
    from todoctl.home import Home
    from todoctl.targets import Choice
    from todoctl.targets.base import Target


def find_home() -> "Home":
    from todoctl.home import Home

    return Home()


def standing(choice: "Choice", terminal: "Terminal") -> "Target":
    """Returns what is up, for a command that only looks; says so if a validation has changed it."""
    from todoctl import targets

    home = find_home()
    target = targets.require(home, choice)
    with suppress(TodoctlError):  # a target that cannot say so says why when it is looked at
        if target.record.exists():
            terminal.note(
                "A validation was interrupted, or is under way: 'todoctl up' puts the deployed app back."
            )
    return target
