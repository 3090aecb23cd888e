"""Kills the app from inside its pod, whose containers share their processes."""

TEXT = """
import os
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if b"todoapp" in file.read().split(b"\\0"):
                    os.kill(int(name), 9)
        except OSError:
            pass
"""
