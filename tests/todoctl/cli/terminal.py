"""todoctl on a terminal of its own."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.todoctl.conftest import CommandLine

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7])m")
MOVES = re.compile(r"\x1b\[(?:\?|\d*[A-HJK])")
"""The cursor is moved or hidden, or a line is erased."""


def on_a_terminal(home: Path, *arguments: str, env: dict[str, str] | None = None, columns: int = 80) -> str:
    """What a terminal gets of a command's output and errors."""
    master, slave = pty.openpty()
    environment = CommandLine(home, port=1).environment
    for name in ("NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    environment |= {"COLUMNS": str(columns), "TERM": "xterm-256color", **(env or {})}
    command = [sys.executable, "-m", "todoctl", *arguments]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        seen = b""
        try:
            while part := os.read(master, 65536):
                seen += part
        except OSError:  # Linux tells so that the other side is closed
            pass
        process.wait(60)
    os.close(master)
    return seen.decode().replace("\r\n", "\n")
