"""The container's entry point, where threads cannot be made with clone3, and where they can."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from todoctl.images import entrypoint

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="seccomp is Linux: containers are, whatever the machine is"
)


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def uses_clone3() -> bool:
    """glibc makes threads with it from 2.34 on; other C libraries use clone."""
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    return name == "glibc" and tuple(map(int, version.split("."))) >= (2, 34)


def test_a_refusal_of_clone3_is_turned_into_an_unknown_call() -> None:
    """As in a pod on containerd 1.4: EPERM, which glibc takes for final; then ENOSYS, and it goes on."""
    said = python(
        "import ctypes, errno\n"
        "from todoctl.images.entrypoint import CLONE3, refuse_clone3, threads_start\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def answer():\n"
        "    libc.syscall(CLONE3, 0, 0)\n"
        "    return errno.errorcode[ctypes.get_errno()]\n"
        "refuse_clone3(errno.EPERM); print(answer(), threads_start())\n"
        "refuse_clone3(errno.ENOSYS); print(answer(), threads_start())\n"
    )
    assert said.splitlines() == [f"EPERM {not uses_clone3()}", "ENOSYS True"]


def test_the_app_is_run_also_where_threads_are_refused(tmp_path: Path) -> None:
    (tmp_path / "todoapp").mkdir()
    (tmp_path / "todoapp" / "__init__.py").touch()
    (tmp_path / "todoapp" / "__main__.py").write_text(
        "import threading\nthread = threading.Thread(target=print, args=('served',))\n"
        "thread.start()\nthread.join()\n"
    )
    code = (
        "import errno, runpy\n"
        "from todoctl.images.entrypoint import refuse_clone3\n"
        f"refuse_clone3({errno.EPERM})\n"
        f"runpy.run_path({entrypoint.__file__!r}, run_name='__main__')\n"
    )
    for command in (["-c", code], [entrypoint.__file__], ["-m", entrypoint.__name__]):
        done = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr


def test_another_program_is_run_where_one_is_named() -> None:
    """With the filter: a program keeps it."""
    code = (
        "import errno, runpy, sys\n"
        "from todoctl.images.entrypoint import refuse_clone3\n"
        f"refuse_clone3({errno.EPERM})\n"
        "sys.argv = ['-c', sys.executable, '-c', sys.argv[1], 'word']\n"
        f"runpy.run_path({entrypoint.__file__!r}, run_name='__main__')\n"
    )
    program = "import sys, threading; threading.Thread(target=print, args=(sys.argv[1],)).start()"
    done = subprocess.run(
        [sys.executable, "-c", code, program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "word\n"), done.stderr


def test_threads_start_here() -> None:
    assert entrypoint.threads_start()


def test_a_thread_that_cannot_start_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    assert not entrypoint.threads_start()


def test_a_filter_that_is_refused_is_an_error() -> None:
    said = python(
        "import ctypes\nfrom todoctl.images import entrypoint\n"
        "entrypoint.SECCOMP_MODE_FILTER = 77\n"
        "try:\n    entrypoint.refuse_clone3(38)\nexcept OSError as error:\n    print(error.strerror)\n"
    )
    assert said == "prctl"
