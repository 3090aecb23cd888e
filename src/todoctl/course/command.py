"""What `validate --url` was asked for, checked before anything is visited, and the user's commands.

A command is shown before it is run, and run without a shell.
"""

import hashlib
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from todoctl.course.claims import CLAIMS
from todoctl.course.run import App
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.evidence import pictures
from todoctl.evidence.history import File, History
from todoctl.settings import check_ttl, is_http

RESTART_SECONDS, LISTING_SECONDS = 300.0, 30.0
"""How long a command may take."""

SETTLE_SECONDS = 20.0
"""After a command's begin, where pictures stay for a minute or more: it may end before the restart does."""

MAX_FILES = 500
MAX_BYTES = 32 * 1024 * 1024
"""Of a file that is read; of a larger one only the size is known."""

BY_HAND = "Run it by hand to see why; todoctl runs it without a shell"


def course_apps(
    urls: Sequence[str],
    *,
    ttl: float,
    image: str | None = None,
    volumes: Sequence[Path] = (),
    volume_execs: Sequence[str] = (),
    restarts: Sequence[str] = (),
    claims: str | None = None,
    sandbox: bool = True,
) -> list[App]:
    """Returns one for each of `urls`; raises `BadUsageError`. What is of one app is given once for each."""
    check_ttl(ttl)
    for url in urls:
        if urls.count(url) > 1:
            raise BadUsageError(f"--url {url} is given more than once", fix="Give each app once")
    if volumes and volume_execs:
        raise BadUsageError("--volume and --volume-exec do not go together", fix="Leave one of them out")
    for option, given in (
        ("--volume", volumes),
        ("--volume-exec", volume_execs),
        ("--restart-command", restarts),
    ):
        if given and len(given) != len(urls):
            raise BadUsageError(
                f"{option} is given {len(given)} times for {len(urls)} --url",
                fix="Give it once for each, in the same order",
            )
    for volume in volumes:
        if not volume.is_dir():
            raise BadUsageError(
                f"--volume {volume} is no directory", fix="Name the one that the app writes to"
            )
    if image and not _can_be_asked(urls[0], image):
        raise BadUsageError(
            f"--image {image!r} is not a picture's address",
            fix="Use one like /image or http://localhost:8081/image",
        )
    named = _claims(
        claims, {"restart": bool(restarts), "files": bool(volumes or volume_execs), "crash": False}
    )
    looks = [
        *(partial(read, volume) for volume in volumes),
        *(partial(listed, split("--volume-exec", text)) for text in volume_execs),
    ]
    settle = SETTLE_SECONDS * min(1.0, ttl / 60)
    acts = [
        partial(start, split("--restart-command", text), RESTART_SECONDS, settle=settle) for text in restarts
    ]
    return [
        App(
            url=check_url(url),
            ttl=ttl,
            image=image or "",
            look=looks[number] if looks else None,
            volume=str([*volumes, *volume_execs][number]) if looks else "",
            acts={"restart": acts[number]} if acts else {},
            claims=named,
            commands=tuple(texts[number] for texts in (volume_execs, restarts) if texts),
            sandbox=sandbox,
        )
        for number, url in enumerate(urls)
    ]


def check_url(url: str) -> str:
    """Returns the address of the page; raises `BadUsageError` if it is none."""
    if not _can_be_asked(url) or not url.isprintable() or " " in url:
        raise BadUsageError(
            f"--url {url!r} is not a page's address", fix="Use one like http://localhost:8081"
        )
    parts = urlsplit(url)
    return url if parts.path else parts._replace(path="/").geturl()


def _can_be_asked(page: str, image: str = "") -> bool:
    """Whether an HTTP request can be sent to the page, or to an image as the page names it."""
    import httpx

    try:
        address = urljoin(page, image)
        httpx.URL(address).raw_host.decode().encode("idna")  # as the system is asked for it
    except (ValueError, httpx.InvalidURL):
        return False
    return is_http(address)


def _claims(text: str | None, given: dict[str, bool]) -> tuple[str, ...]:
    if text is None:
        return ()
    named = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in named:
        if name not in CLAIMS:
            raise BadUsageError(f"--claims {name!r} is no claim", fix=f"Use {', '.join(CLAIMS)}")
        if not given.get(name, True):
            needs = CLAIMS[name].needs
            raise BadUsageError(f"--claims {name} needs {needs}", fix=f"Give that, or leave {name} out")
    if not named:
        raise BadUsageError("--claims names none", fix=f"Use {', '.join(CLAIMS)}")
    return named


def split(option: str, command: str) -> list[str]:
    """Returns the words of a command; raises `BadUsageError` where there are none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadUsageError(
            f"{option} {command!r} is no command", why=str(error), fix="Quote it as a shell would have it"
        ) from None
    if not words:
        raise BadUsageError(f"{option} is empty", fix="Name a command and its arguments")
    return words


def start(
    words: list[str], seconds: float, output: list[str] | None = None, *, settle: float = 0.0
) -> Callable[[], bool]:
    """Starts a command, and returns what says whether it is over, and then adds what it printed to `output`.

    It is over after `settle` seconds at the earliest. Either raises `UnavailableError` where it fails, or
    takes longer than `seconds`.
    """
    shown, began = f"The command '{shlex.join(words)}'", time.monotonic()
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads would stop the command
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT)
    except OSError as error:
        printed.close()
        raise UnavailableError(
            f"{shown} cannot be run", why=error.strerror or str(error), fix="Name a program that is there"
        ) from None

    def over() -> bool:
        code = process.poll()
        if code is None:
            if time.monotonic() - began < seconds:
                return False
            process.kill()
            process.wait()
            printed.close()
            raise UnavailableError(f"{shown} has not ended after {seconds:g} s", fix=BY_HAND)
        if code == 0 and time.monotonic() - began < settle:
            return False
        printed.seek(0)
        text = printed.read().decode(errors="replace")
        printed.close()
        if code:
            why = " ".join(text.split())[-200:]
            raise UnavailableError(f"{shown} failed with exit code {code}", why=why, fix=BY_HAND)
        if output is not None:
            output.append(text)
        return True

    return over


def read(directory: Path, history: History) -> list[File]:
    """Returns all files in and below `directory`, and keeps pictures in `history`.

    Raises `UnavailableError` where they cannot be read. A file that goes meanwhile is left out.
    """
    found: list[File] = []
    try:
        if not directory.is_dir():
            raise NotADirectoryError(20, "it is no directory any more")
        for path in sorted(directory.rglob("*"))[:MAX_FILES]:
            try:
                if path.is_file() and not path.is_symlink():
                    found.append(_file(directory, path, history))
            except FileNotFoundError:
                continue
    except OSError as error:
        raise UnavailableError(
            f"--volume {directory} cannot be read",
            why=error.strerror or str(error),
            fix="Run as a user who may, or list it with --volume-exec",
        ) from None
    return found


def _file(directory: Path, path: Path, history: History) -> File:
    stat = path.stat()
    digest = ""
    if stat.st_size <= MAX_BYTES:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if pictures.media_type(content):
            history.keep(content)
    return File(name=str(path.relative_to(directory)), size=stat.st_size, modified=stat.st_mtime, body=digest)


def listed(words: list[str], _history: History) -> list[File]:
    """Returns the files that a command like `ls -l DIR` lists: names and sizes.

    Raises `UnavailableError` where it fails, or lists none.
    """
    output: list[str] = []
    over = start(words, LISTING_SECONDS, output)
    while not over():
        time.sleep(0.02)
    lines = [line.split() for line in output[0].splitlines()]
    files = [
        File(name=line[-1], size=int(line[4]), modified=0.0, body="")
        for line in lines
        if len(line) > 5 and line[0].startswith("-") and line[4].isdecimal() and len(line[4]) < 16
    ]
    if not files and any(lines) and not any(line and line[0][:1] in {"d", "t"} for line in lines):
        raise UnavailableError(
            "--volume-exec lists no files", fix="Use a command like: kubectl exec deploy/x -- ls -l DIR"
        )
    return files
