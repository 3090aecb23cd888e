"""What `validate --url` was asked for, checked before anything is visited."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from todoctl.course import command
from todoctl.course.verdict import CLAIMS
from todoctl.errors import BadUsageError
from todoctl.settings import check_ttl, is_http


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseOptions:
    """One app: its page, the documented time in seconds, and the ways to its picture, volume and restart.

    `claims` are those that were named to count, and then have to be judged; empty: all of them.
    """

    url: str
    ttl: float
    image: str = ""
    volume: Path | None = None
    volume_exec: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    @property
    def counted(self) -> frozenset[str]:
        return frozenset(self.claims or CLAIMS) | {"shown"}


def course_options(
    urls: Sequence[str],
    *,
    ttl: float,
    image: str | None = None,
    volumes: Sequence[Path] = (),
    volume_execs: Sequence[str] = (),
    restarts: Sequence[str] = (),
    claims: str | None = None,
) -> list[CourseOptions]:
    """One for each of `urls`; raises `BadUsageError`. What is of one app is given once for each URL."""
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
    named = _claims(claims, restarts=bool(restarts), volumes=bool(volumes or volume_execs))
    for volume in volumes:
        if not volume.is_dir():
            raise BadUsageError(
                f"--volume {volume} is no directory", fix="Name the one that the app writes to"
            )
    return [
        CourseOptions(
            url=check_url(url),
            ttl=ttl,
            image=_check_image(image, url) if image else "",
            volume=volumes[number] if volumes else None,
            volume_exec=tuple(command.split("--volume-exec", volume_execs[number])) if volume_execs else (),
            restart=tuple(command.split("--restart-command", restarts[number])) if restarts else (),
            claims=named,
        )
        for number, url in enumerate(urls)
    ]


def check_url(url: str) -> str:
    """The address of the page; raises `BadUsageError`."""
    if not _can_be_asked(url) or not url.isprintable() or " " in url:
        raise BadUsageError(
            f"--url {url!r} is not a page's address", fix="Use one like http://localhost:8081"
        )
    parts = urlsplit(url)
    return url if parts.path else parts._replace(path="/").geturl()


def _check_image(image: str, url: str) -> str:
    """The address of the picture, as the page at `url` would name it; raises `BadUsageError`."""
    if not _can_be_asked(url, image):
        raise BadUsageError(
            f"--image {image!r} is not a picture's address",
            fix="Use one like /image or http://localhost:8081/image",
        )
    return image


def _can_be_asked(page: str, image: str = "") -> bool:
    """Whether an HTTP request can be sent to the page, or to an image as the page names it."""
    import httpx

    try:
        address = urljoin(page, image)
        httpx.URL(address).raw_host.decode().encode("idna")  # as the system is asked for it
    except (ValueError, httpx.InvalidURL):
        return False
    return is_http(address)


def _claims(text: str | None, *, restarts: bool, volumes: bool) -> tuple[str, ...]:
    if text is None:
        return ()
    named = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in named:
        if name not in CLAIMS:
            raise BadUsageError(f"--claims {name!r} is no claim", fix=f"Use {', '.join(CLAIMS)}")
    if not named:
        raise BadUsageError("--claims names none", fix=f"Use {', '.join(CLAIMS)}")
    for name, given, option in (
        ("restart", restarts, "--restart-command"),
        ("files", volumes, "--volume or --volume-exec"),
    ):
        if name in named and not given:
            raise BadUsageError(f"--claims {name} needs {option}", fix=f"Give that, or leave {name} out")
    return named
