"""`python -m todoapp`: read the settings, take the port, serve."""

import os
import signal
import sys
from types import FrameType

from todoapp.settings import SettingsError, read


def main() -> int:
    """Run the app; the exit code: 0 stopped as asked, 1 no address to serve on, 2 bad settings."""
    # Whoever is process 1 of a container gets no default handler: SIGTERM would be lost until
    # the server has its own.
    signal.signal(signal.SIGTERM, _exit)
    try:
        settings = read(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"todoapp: {error}\n")
        return 2
    # The rest takes a while to import; a bad setting should not have to wait for it.
    from todoapp import server

    try:
        listener = server.bind(settings.host, settings.port)
    except OSError as error:
        reason = error.strerror or error
        sys.stderr.write(
            f"todoapp: cannot listen on HOST={settings.host} PORT={settings.port}: {reason}; "
            "give it an address of this machine and a free port\n"
        )
        return 1
    server.run(settings, listener)
    return 0


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
