"""Writes a file from a line of base64; its text is sent into a pod, and is a program there."""

import base64
import os
import sys

if __name__ == "__main__":
    content = base64.b64decode(sys.stdin.readline())
    with open(sys.argv[1], "wb") as file:  # noqa: PTH123 - quick to start
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
    print(len(content), flush=True)  # noqa: T201
