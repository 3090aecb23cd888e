"""Ways that can be cut: a Unix socket that leads to another one, and a slow line to a TCP port."""

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path


class Relay:
    """Passes bytes both ways between `path` and `to`; after `close` nobody listens at `path`."""

    def __init__(self, path: Path, to: str) -> None:
        self.path = path
        self._to = to
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._open: list[socket.socket] = []
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._to)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Cuts all that is open and takes nobody new."""
        if not self._stopped:
            self._stopped = True
            self.path.unlink()
            for one in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()


class Line:
    """A TCP port of this machine that leads to another one; towards here `rate` bytes a second, at most.

    All its connections share that rate. `passed` counts the bytes that came this way.
    """

    def __init__(self, to: tuple[str, int], rate: float, *, listen: str = "127.0.0.1") -> None:
        self.rate = rate
        self.passed = 0
        self._to = to
        self._listener = socket.create_server((listen, 0))
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._down = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._down:
                    _reset(near)
                    continue
                far = socket.create_connection(self._to)
                self._open += [near, far]
                threading.Thread(target=Relay._pass, args=(near, far), daemon=True).start()
                threading.Thread(target=self._hold, args=(far, near), daemon=True).start()

    def _hold(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                with self._lock:
                    self._free_at = max(self._free_at, time.monotonic()) + len(data) / self.rate
                    self.passed += len(data)
                    due = self._free_at
                time.sleep(max(due - time.monotonic(), 0))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self, *, down: bool = False) -> None:
        """Breaks all connections; `down` takes no new ones either, until `restore`."""
        self._down = down
        broken, self._open = self._open, []
        for one in broken:
            _reset(one)

    def restore(self) -> None:
        self._down = False

    def close(self) -> None:
        self._listener.close()
        self.cut(down=True)


def _reset(one: socket.socket) -> None:
    """Ends a connection as a broken one ends: with RST."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    one.close()
