"""The seam: what `up`, `validate` and `down` need of a place where the app runs."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from todoctl.errors import UnavailableError
from todoctl.image_service.service import ResponseMode
from todoctl.settings import Settings
from todoctl.targets.endpoint import Entrance
from todoctl.targets.marker import Record
from todoctl.targets.volume import Volume


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


class Downloads(Protocol):
    """Downloads under way, beside each other."""

    def tell(self, name: str, loaded: int, size: int, doing: str) -> None:
        """`loaded` of `size` bytes of `name` are here; `doing` is empty while they come."""
        ...


class Step(Protocol):
    """A step under way."""

    def update(self, detail: str, began: float | None = None) -> None:
        """Shows what the step waits for just now, and for how long if it `began` at known epoch seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that the image service has answered.

    It came and its answer went between `begin` and `end`, in epoch seconds by this machine's clock.
    `picture` is the whole picture that was sent, None where none was, `retry_after` the header of that name.
    """

    begin: float
    end: float
    mode: ResponseMode
    picture: bytes | None
    retry_after: str = ""


class ImageService(Protocol):
    """An image service of our own. No picture comes twice, but in `ResponseMode.AGAIN`."""

    @property
    def url(self) -> str:
        """Where the app gets a picture."""
        ...

    def served(self) -> list[Served]:
        """All requests answered so far, in the order of their answers.

        A request is in it as soon as who asked can have the answer.
        """
        ...

    def pending(self) -> int:
        """How many requests are not answered yet."""
        ...

    def answer(self, mode: ResponseMode) -> None:
        """Requests that come from now on are answered in that mode."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `doctor` found: `fix` is what to do where it is not `ok`."""

    subject: str
    ok: bool
    seen: str
    fix: str = ""
    required: bool = True


class Target(Protocol):
    """A place where the app runs.

    Everything is safe to interrupt and to run again. Methods raise `TodoctlError` with one line that
    says what happened, why, and what to do.
    """

    @property
    def name(self) -> str:
        """What `--target` calls it."""
        ...

    @property
    def directory(self) -> Path:
        """Where todoctl keeps what it remembers of this target."""
        ...

    @property
    def rolling(self) -> bool:
        """Whether a restart goes on answering (a rollout) or has a gap (one process)."""
        ...

    @property
    def start_seconds(self) -> float:
        """How long a start of the app may take: a process, or a rollout."""
        ...

    @property
    def record(self) -> Record:
        """Whether it is being validated."""
        ...

    @property
    def volume(self) -> Volume:
        """What outlasts the app."""
        ...

    def findings(self, port: int) -> list[Finding]:
        """What this machine has and lacks for the target."""
        ...

    def settings(self) -> Settings | None:
        """What `up` was last asked for; None where nothing is up."""
        ...

    def page(self, settings: Settings) -> str:
        """Where people find the page of what is up, as a URL."""
        ...

    def up(self, settings: Settings, progress: Progress, timeout: float | None = None) -> bool:
        """Brings the app up with `settings`, keeping its volume; returns False if nothing had to change.

        After `timeout` seconds it waits no longer; without one as long as what is missing may come.
        """
        ...

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        """Removes all that `up` made; False where there was nothing."""
        ...

    def instances(self) -> frozenset[str]:
        """Names of what runs the app now (process or pod); a restart changes all of them."""
        ...

    def details(self) -> dict[str, str]:
        """What `status` shows about this target, in order."""
        ...

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """The app's last log lines, without line ends; with `follow`, those to come as well."""
        ...

    def entrance(self, settings: Settings) -> Entrance:
        """How visitors come to the app in a validation."""
        ...

    def restart(self) -> None:
        """Restarts the app the documented way; returns when the new one answers alone."""
        ...

    def kill(self) -> None:
        """Ends the app without notice (SIGKILL); returns when a new one, set the same, answers alone."""
        ...

    def stop(self, *, at_once: bool = False) -> None:
        """Stops the app, so that its volume can be touched; with `at_once` without notice (SIGKILL)."""
        ...

    def start(self, settings: Settings) -> None:
        """Starts the stopped app with `settings`, without remembering them; returns when it answers."""
        ...

    def scale(self, number: int) -> list[str]:
        """Lets so many run the app on its one volume; returns the addresses (URLs) to ask all of them."""
        ...

    def image_service(self) -> AbstractContextManager[ImageService]:
        """An image service that the app can reach; gone at the end of the block."""
        ...

    def remove_image_service(self) -> None:
        """Removes one that a killed validation has left."""
        ...


def require_settings(target: Target) -> Settings:
    """What is up; raises `UnavailableError` where nothing is."""
    settings = target.settings()
    if settings is None:
        raise UnavailableError(f"Nothing is up on {target.name}", fix="Run 'todoctl up' first")
    return settings
