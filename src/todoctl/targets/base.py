"""The interface of a target: what `up`, `validate` and `down` need where the app runs.

A new target answers `Target` and `Store`; marker and volume are made of what it answers.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from todoctl import ports
from todoctl.errors import CommandFailedError, LockedError, TodoctlError, UnavailableError
from todoctl.settings import Settings
from todoctl.state import make_directory

if TYPE_CHECKING:
    import httpx

    from todoctl.image_service.client import Controlled

# What work shows


class Progress(Protocol):
    """How long work shows what it is doing."""

    def step(self, title: str) -> AbstractContextManager["Step"]:
        """Shows `title` while its block runs, then how it ended and how long it took."""
        ...

    def downloads(self, title: str, names: Sequence[str]) -> AbstractContextManager["Downloads"]:
        """As `step`; what it gives shows how much of each of `names` has come."""
        ...

    def note(self, text: str) -> None:
        """Shows one line that is worth knowing."""
        ...

    def command(self, *pipeline: Sequence[str]) -> None:
        """Shows what does by hand what the step does now: a command's words, or several that are piped."""
        ...


class Downloads(Protocol):
    """Downloads that go on at the same time."""

    def show(self, name: str, loaded: int, size: int, doing: str) -> None:
        """`loaded` of `size` bytes of `name` are here; `doing` is empty while they come."""
        ...


class Step(Protocol):
    """A step that goes on."""

    def update(self, detail: str, began: float | None = None) -> None:
        """Shows what the step waits for just now, and for how long if it `began` at known epoch seconds."""
        ...


# What was found before anything is touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `doctor` found: `fix` is what to do if it is not `ok`."""

    subject: str
    ok: bool
    seen: str
    fix: str = ""
    required: bool = True


def port_finding(port: int) -> Finding:
    """Returns whether a port of this machine is free, and who holds it if not."""
    try:
        ports.check_free(port)
    except UnavailableError as error:
        return error_finding(f"Port {port}", error)
    return Finding(subject=f"Port {port}", ok=True, seen="free")


def error_finding(subject: str, error: TodoctlError) -> Finding:
    """Returns what an error says of `subject`."""
    return Finding(subject=subject, ok=False, seen=error.why or error.what, fix=error.fix)


def require_all(found: Iterable[Finding], what: str) -> None:
    """Raises `UnavailableError`, saying `what`, with everything that is in the way."""
    wrong = [finding for finding in found if finding.required and not finding.ok]
    if wrong:
        raise UnavailableError(
            what,
            why="; ".join(f"{finding.subject}: {finding.seen}" for finding in wrong),
            fix=" ".join(dict.fromkeys(f"{finding.fix.rstrip('.')}." for finding in wrong if finding.fix)),
        )


# The marker of a validation


class SharedMarker(Protocol):
    """Keeps validations from other machines out, if the target can be reached from several."""

    def create(self, token: str) -> bool:
        """Makes it with that token; returns False if there is one already."""
        ...

    def check(self, token: str) -> None:
        """Raises `LockedError` if there is one with another token."""
        ...

    def remove(self, token: str) -> None:
        """Removes it if it has that token, and whatever else a validation has made there."""
        ...


class Marker:
    """A file that is there while a validation plays, and after it was killed: something is to be put back."""

    def __init__(self, directory: Path, shared: SharedMarker | None = None) -> None:
        self._path, self._shared = directory / "validating", shared

    def check(self) -> None:
        """Raises `LockedError` if a validation from another machine is under way."""
        if self._shared:
            self._shared.check(self.token())

    def begin(self) -> None:
        """Makes the marker; raises `LockedError` if a validation from another machine is under way."""
        token = secrets.token_hex(16)
        make_directory(self._path.parent)
        self._path.write_text(token, encoding="ascii")
        if self._shared and not self._shared.create(token):
            self._path.unlink()
            self.check()

    def exists(self) -> bool:
        """Returns whether a validation of ours is under way, or was killed.

        A file alone may be of one that was killed at its very begin or end; to put things back then changes
        nothing. If another machine's marker is there, ours never was.
        """
        if not self._path.exists():
            return False
        try:
            self.check()
        except LockedError:
            return False
        return True

    def end(self) -> None:
        """Removes the marker, the file last."""
        if self._shared:
            self._shared.remove(self.token())
        self._path.unlink(missing_ok=True)

    def token(self) -> str:
        """Returns the token of our marker, which no other machine's has; empty if there is none."""
        return self._path.read_text(encoding="ascii") if self._path.exists() else ""


# The volume


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file on the volume: size in bytes, last change in seconds since the epoch.

    `modified` is as fine as the coarser view of its target can tell, so that both can be compared.
    """

    name: str
    size: int
    modified: float
    content: bytes


@dataclass(frozen=True, slots=True)
class View:
    """The cache directory as somebody sees it, by `seen_from`; the app's view ends with what runs the app.

    `read` returns the files whose names do not begin with a dot, by name, all of one moment.
    """

    seen_from: str
    read: Callable[[], list[File]]


class Store(Protocol):
    """Reaches the volume without the app: from this machine, a node, or a pod of todoctl's own."""

    seen_from: str
    """This machine, the node or the pod, in words."""

    def run(self, *command: str) -> str:
        """Returns what a POSIX command prints; raises `CommandFailedError` with its exit code."""
        ...

    def files(self, directory: str) -> list[File]:
        """Returns the files of a directory, all of one moment; none if there is no such directory."""
        ...

    def put(self, path: str, content: bytes) -> None:
        """Writes a file."""
        ...


def has(store: Store, path: str) -> bool:
    """Returns whether `path` exists; raises `UnavailableError` if that cannot be found out."""
    try:
        store.run("test", "-e", path)
    except CommandFailedError as error:
        if error.exit_code != 1:
            raise
        return False
    return True


class Volume:
    """The cache directory at `path` of `store`, which outlasts the app; the app calls it `directory`.

    A validation plays on a directory of its own. As long as the user's is not set aside, what is there is the
    user's: `put`, `detach` and `attach` refuse. With `is_root` commands of the store run as root and the app
    does not. `halted` keeps the app from doing anything, if that is possible.
    """

    def __init__(
        self,
        store: Store,
        path: str,
        directory: str,
        app: Callable[[], View],
        *,
        is_root: bool = False,
        halted: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.directory = directory
        self._store, self._path, self._app = store, path, app
        self._is_root, self._halted = is_root, halted
        self._aside, self._away = f"{path}.set-aside", f"{path}.detached"
        self._here = path
        """Where the cache is now: elsewhere while it is detached."""
        self._is_aside: bool | None = None

    def host(self) -> View:
        """Returns the store's view, which is there without the app and while it is detached."""
        seen = f"{self._store.seen_from}: {printable(self._path)}"
        return View(seen, lambda: self._store.files(self._here))

    def views(self) -> tuple[View, View]:
        """Returns `host`, and the view of the app that runs now; raises `UnavailableError` if none does."""
        return self.host(), self._app()

    def is_set_aside(self) -> bool:
        """Returns whether the user's cache was set aside and not put back."""
        if self._is_aside is None:
            self._is_aside = has(self._store, self._aside)
        return self._is_aside

    def clear(self) -> None:
        """Removes the stopped app's cache directory, which it makes again itself; sets the user's aside."""
        if self.is_set_aside():
            self._store.run("rm", "-rf", self._away, self._path)
        elif has(self._store, self._path):
            self._store.run("mv", self._path, self._aside)
        else:
            self._store.run("mkdir", self._aside)
        self._is_aside, self._here = True, self._path

    def put(self, name: str, content: bytes | None) -> None:
        """Writes a file of the cache, or removes it if `content` is None."""
        self._require_set_aside()
        if content is None:
            self._store.run("rm", "-f", f"{self._here}/{name}")
            return
        mode = ("-m", "777") if self._is_root else ()
        self._store.run("mkdir", "-p", *mode, self._here)
        self._store.put(f"{self._here}/{name}", content)

    def detach(self) -> None:
        """Puts the cache out of reach of the app that runs on it: by its mode, or by a file instead of it.

        The file stops root as well, and nobody else can make a directory there meanwhile.
        """
        self._require_set_aside()
        with self._halted():
            if self._is_root:
                self._store.run("chmod", "000", self._path)
                return
            self._store.run("mkdir", "-p", self._path)
            self._store.run("mv", self._path, self._away)
            self._store.run("sh", "-c", 'set -C; : > "$1"', "sh", self._path)
        self._here = self._away

    def attach(self) -> None:
        """Puts it back within reach."""
        self._require_set_aside()
        with self._halted():
            if self._is_root:
                self._store.run("chmod", "777", self._path)
                return
            self._store.run("rm", "-f", self._path)
            self._store.run("mv", self._away, self._path)
        self._here = self._path

    def put_back(self) -> None:
        """Puts the user's cache back instead of the validation's, if it was set aside; the app is stopped.

        One rename decides: before it the set-aside cache is whole, after it it is back.
        """
        if has(self._store, self._aside):  # looked for anew: what is removed here may be the user's
            self._store.run("rm", "-rf", self._away, self._path)
            self._store.run("mv", self._aside, self._path)
            # If there was none, there is none again; a full one is not touched.
            self._store.run("find", self._path, "-maxdepth", "0", "-empty", "-delete")
        self._is_aside, self._here = False, self._path

    def _require_set_aside(self) -> None:
        if not self.is_set_aside():
            raise UnavailableError(
                "The cache is not set aside, so it is not touched", fix="Run 'todoctl validate' again"
            )


def printable(path: str) -> str:
    """Returns a path as the app's log has it: with escapes for what is no UTF-8."""
    return path.encode(errors="backslashreplace").decode()


def unreadable(why: str) -> UnavailableError:
    """Returns the error that the files of the volume cannot be read."""
    return UnavailableError(
        "The files of the volume cannot be read", why=why, fix="Try again, and see 'todoctl status'"
    )


# The target


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What does not change: the target's name on the command line, and how the app restarts there.

    With `rolling` a restart goes on answering (a rollout), else it has a gap (one process). `start_seconds`
    is how long a start of the app may take.
    """

    name: str
    rolling: bool
    start_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is up: the settings that `up` was last asked for, and the page's URL for people.

    `details` is what `status` shows about the target, in order.
    """

    settings: Settings
    url: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How visitors come to the app in a validation.

    `url` is what is asked, `transport` what carries requests there if that is not this machine; `words` say
    it in the report, after "Visitors came".
    """

    url: str
    words: str
    transport: "httpx.BaseTransport | None" = None


class Target(Protocol):
    """Where the app runs.

    Everything is safe to interrupt and to run again. Methods raise `TodoctlError` with one line that
    says what happened, why, and what to do.
    """

    @property
    def traits(self) -> Traits:
        """What does not change."""
        ...

    @property
    def marker(self) -> Marker:
        """The marker of a validation."""
        ...

    @property
    def volume(self) -> Volume:
        """What outlasts the app."""
        ...

    def findings(self, port: int) -> list[Finding]:
        """Returns what this machine has and lacks for the target."""
        ...

    def deployed(self) -> Deployment | None:
        """Returns what is up; None if nothing is. Raises `UnavailableError` if that cannot be found out."""
        ...

    def up(self, settings: Settings, progress: Progress, timeout: float | None = None) -> bool:
        """Brings the app up with `settings`, keeping its volume; returns False if nothing had to change.

        After `timeout` seconds it waits no longer; without one as long as what is missing may come.
        """
        ...

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        """Removes all that `up` made; returns False if there was nothing."""
        ...

    def instances(self) -> frozenset[str]:
        """Returns names of what runs the app now (process or pod); a restart changes all of them."""
        ...

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """Yields the app's last log lines, without line ends; with `follow`, those to come as well."""
        ...

    # For a validation

    def endpoint(self, settings: Settings) -> Endpoint:
        """Returns how visitors come to the app."""
        ...

    def restart(self, *, at_once: bool = False) -> None:
        """Restarts the app the documented way; returns when the new one answers alone.

        With `at_once` it is ended without notice (SIGKILL), and a new one comes with the same settings.
        """
        ...

    def stop(self, *, at_once: bool = False) -> None:
        """Stops the app, so that its volume can be touched; with `at_once` without notice (SIGKILL)."""
        ...

    def start(self, settings: Settings) -> None:
        """Starts the stopped app with `settings`, without remembering them; returns when it answers."""
        ...

    def scale(self, number: int) -> list[str]:
        """Scales the app to `number` instances on its one volume; returns base URLs that ask all of them."""
        ...

    def image_service(self) -> AbstractContextManager["Controlled"]:
        """Runs an image service that the app can reach; it is gone at the end of the block."""
        ...


def require_deployed(target: Target) -> Deployment:
    """Returns what is up; raises `UnavailableError` if nothing is."""
    found = target.deployed()
    if found is None:
        raise UnavailableError(f"Nothing is up on {target.traits.name}", fix="Run 'todoctl up' first")
    return found
