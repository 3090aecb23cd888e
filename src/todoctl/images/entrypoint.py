"""Starts the app in its container, or the program that its arguments are.

Also on clusters whose container runtime is older than the container's C library: glibc from 2.34 on makes
threads with clone3 and falls back to clone where that is unknown (ENOSYS). The default seccomp profile of
containerd before 1.5.8, as in k3s 1.21, refuses it with EPERM instead: "can't start new thread". Where that
is so, a seccomp filter of our own turns the answer into ENOSYS. It takes nothing but no_new_privs, which the
restricted pod has anyway, and only ever refuses: the newest filter's errno counts (seccomp(2), "the
first-seen action value of highest precedence").
"""

import ctypes
import errno
import os
import runpy
import struct
import sys
import threading

CLONE3 = 435
"""The system call's number, the same on every architecture."""

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7FFF0000


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def threads_start() -> bool:
    """Whether this process can make a thread."""
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        return False
    return True


def refuse_clone3(with_errno: int) -> None:
    """From now on clone3 answers `with_errno`, in this process and its children."""
    code = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (LOAD, 0, 0, 0),  # the number of the system call
            (JUMP_IF_EQUAL, 0, 1, CLONE3),
            (RETURN, 0, 0, RET_ERRNO | with_errno),
            (RETURN, 0, 0, RET_ALLOW),
        )
    )
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero),
        (PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(program), zero, zero),
    ):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    if sys.platform == "linux" and not threads_start():
        refuse_clone3(errno.ENOSYS)
    if sys.argv[1:]:  # the filter holds for what a process turns into as well
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
    runpy.run_module("todoapp", run_name="__main__")
