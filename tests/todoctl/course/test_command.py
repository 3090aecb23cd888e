"""Commands are run without a shell, and fail in one line."""

import sys

import pytest

from todoctl.course import command
from todoctl.errors import UnavailableError


def test_its_output() -> None:
    assert command.run([sys.executable, "-c", "print('$HOME')"], seconds=20) == "$HOME\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/no/such/command"], "The command '/no/such/command' cannot be run: No such file or directory."),
        (["sleep", "9"], "The command 'sleep 9' has not ended after 0.2 s."),
        (["ls", "/no such"], "The command 'ls '\"'\"'/no such'\"'\"'' failed with exit code 2: "),
    ],
)
def test_a_failure_is_one_line(words: list[str], told: str) -> None:
    with pytest.raises(UnavailableError) as error:
        command.run(words, seconds=0.2 if words[0] == "sleep" else 20)
    line = str(error.value)
    assert line.startswith(told if "no such" not in words[-1] else "The command 'ls '")
    assert "\n" not in line
