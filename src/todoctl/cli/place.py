"""Where what is up is remembered, and which of it a command is about."""

from typing import TYPE_CHECKING

from todoctl.errors import LockedError

if TYPE_CHECKING:
    from todoctl.console import Terminal
    from todoctl.home import Home
    from todoctl.targets import Choice
    from todoctl.targets.base import Target


def find_home() -> "Home":
    from todoctl.home import Home

    return Home()


def standing(choice: "Choice", terminal: "Terminal") -> "Target":
    """What is up, for a command that only looks; first mends what a killed validation has left."""
    from todoctl import targets
    from todoctl.restore import restore

    home = find_home()
    target = targets.require(home, choice)
    if target.record.exists():
        try:
            with home.lock():
                restore(target, terminal)
        except LockedError:
            terminal.note("A validation is under way: this is the app it plays on, not yet the deployed one.")
    return target
