"""What an image is built from: the Dockerfile that belongs to it, among all that a repository has."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from todoctl.grade.catalogue import Finding, finding
from todoctl.grade.choice import OTHER_EXERCISE, App, common, containers, distance, is_other_exercise
from todoctl.grade.documents import Document, text_of

FILE = re.compile(r"^((?P<before>.+)\.)?(dockerfile|containerfile)([.-](?P<after>.+))?$", re.IGNORECASE)
"""Dockerfile, Containerfile, Dockerfile.reader, reader.Dockerfile."""

PUBLIC = frozenset(
    {
        "adminer",
        "alpine",
        "bash",
        "busybox",
        "caddy",
        "debian",
        "eclipse-temurin",
        "golang",
        "haproxy",
        "httpd",
    }
    | {"mariadb", "memcached", "mongo", "mysql", "nats", "nginx", "node", "php", "postgres", "python"}
    | {"rabbitmq", "redis", "registry", "ruby", "rust", "traefik", "ubuntu", "wordpress"}
)
"""Images that nobody builds for an app of their own."""


EXACT = 2


@dataclass(frozen=True)
class Image:
    """An image that a container of the app names, and what it is built from."""

    name: str
    """As the manifest has it."""
    at: str
    """FILE:LINE of it."""
    dockerfile: Path | None
    """What it is built from; None where no Dockerfile belongs to it."""
    build: Path | None
    """The directory that it is built in, which has the files that the Dockerfile copies."""
    why: str
    """Why this Dockerfile, or why none."""


@dataclass(frozen=True)
class _Candidate:
    file: PurePosixPath
    names: tuple[str, ...]
    """What directory and file say that is built."""


def images_of(directory: Path, app: App, files: Sequence[Path], builds: Sequence[Path]) -> tuple[Image, ...]:
    """Returns each image of the app once. `builds` are the directories that the user has named."""
    used: dict[str, tuple[Document, str]] = {}
    for workload in app.workloads:
        for container in containers(workload):
            name = workload.text(*container, "image")
            if name:
                used.setdefault(name, (workload, workload.at(*container, "image")))
    own = [name for name in used if not is_public(name)]
    given = [file for path in builds for file in sorted(path.iterdir()) if FILE.match(file.name)]
    found = [_candidate(path.relative_to(directory)) for path in files if FILE.match(path.name)]
    images: list[Image] = []
    for name, (workload, at) in used.items():
        named = [file for file in given if _alike(name, file.parent.name)] or (given if own == [name] else [])
        if named:
            images.append(Image(name, at, named[0], named[0].parent, "--build names its directory"))
            continue
        chosen, why = _belonging(name, workload, found, directory, alone=own == [name])
        dockerfile = directory / chosen if chosen else None
        images.append(Image(name, at, dockerfile, _context(dockerfile, directory), why))
    return tuple(images)


def _context(dockerfile: Path | None, directory: Path) -> Path | None:
    """Returns the directory that has what a Dockerfile copies: its own, else the nearest one above it."""
    if dockerfile is None:
        return None
    sources = [source for _, source in _sources(_steps(dockerfile))]
    for above in (dockerfile.parent, *dockerfile.parent.parents):
        rest = [path for path in above.iterdir() if not FILE.match(path.name) and path.name[0] != "."]
        if rest and all((above / source).exists() for source in sources):
            return above
        if above == directory:
            break
    return dockerfile.parent


def is_public(image: str) -> bool:
    """Whether an image is one of Docker Hub's own, which an app uses as it is."""
    return "/" not in image and short_name(image) in PUBLIC


def short_name(image: str) -> str:
    """Returns the last part of an image's name, without tag and digest."""
    return image.split("@", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0]


def _candidate(file: Path) -> _Candidate:
    match = FILE.match(file.name)
    above = file.parent.parent if file.parent.name == "docker" else file.parent
    parts = [above.name, *(match.group("before", "after") if match else ())]
    return _Candidate(PurePosixPath(file.as_posix()), tuple(part for part in parts if part))


def _alike(image: str, name: str) -> int:
    """Returns EXACT where a name is that of the image, 1 where one of them holds the other, else 0."""
    mine, theirs = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in (short_name(image), name))
    if min(len(mine), len(theirs)) < 3:
        return 0
    return EXACT if mine == theirs else int(mine in theirs or theirs in mine)


def _belonging(
    image: str, workload: Document, found: Sequence[_Candidate], directory: Path, *, alone: bool
) -> tuple[PurePosixPath | None, str]:
    """Returns the Dockerfile of an image: the one deepest in the tree of its manifest, then by its name."""
    if is_public(image):
        return None, "it is an image of Docker Hub's own"
    mine = [one for one in found if is_other_exercise(workload) or not OTHER_EXERCISE.search(str(one.file))]

    def depth(one: _Candidate) -> int:
        return common(one.file.parent, workload.folder)

    def likeness(one: _Candidate) -> int:
        return sum(_alike(image, name) for name in one.names)

    if not mine:
        return None, "the repository has no Dockerfile for it"
    mine.sort(key=lambda one: (depth(one), likeness(one), -distance(one.file.parent, workload.folder)))
    exact = [one for one in mine if depth(one) and any(_alike(image, name) == EXACT for name in one.names)]
    best = exact[-1] if exact and likeness(mine[-1]) else mine[-1]
    if likeness(best):
        return best.file, f"{best.file} has its name"
    file = directory / best.file
    build = _context(file, directory) or file.parent
    complete = all((build / source).exists() for _, source in _sources(_steps(file)))
    if alone and [depth(one) for one in mine].count(depth(best)) == 1 and (depth(best) or complete):
        return best.file, f"{best.file} is the only one beside its manifest"
    return None, "no Dockerfile has its name"


STARTS = ("CMD", "ENTRYPOINT")

SCRIPT = re.compile(r"[\w./-]+\.(?:js|mjs|ts|py|rb|clj)\b")

BUILDS = re.compile(r"\b(build|tsc|compile|package)\b")
"""What may make the script that is started."""

Steps = list[tuple[int, str, str]]
"""The instructions of a Dockerfile: line, word in capitals, and what follows it."""


def instructions(dockerfile: Path) -> Steps:
    """Returns the instructions of a Dockerfile; raises OSError or ValueError where it cannot be read."""
    found: Steps = []
    begun, text = 0, ""
    for number, line in enumerate(text_of(dockerfile).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun or number
        text += line.strip()
        if text.endswith("\\"):
            text = text[:-1] + " "
            continue
        word, _, rest = text.partition(" ")
        found.append((begun, word.upper(), rest.strip()))
        begun, text = 0, ""
    return found


def _steps(dockerfile: Path) -> Steps:
    """Returns the instructions of a Dockerfile, none where it cannot be read."""
    try:
        return instructions(dockerfile)
    except (OSError, ValueError):
        return []


def exposed(dockerfile: Path) -> set[int]:
    """Returns the ports that a Dockerfile says the app listens on."""
    steps = _steps(dockerfile)
    return {int(port) for _, word, rest in steps if word == "EXPOSE" for port in re.findall(r"\d+", rest)}


def _sources(steps: Steps) -> Iterator[tuple[int, str]]:
    """Returns what a Dockerfile copies from the directory that it is built in, where it names it plainly."""
    for line, word, rest in steps:
        if word in {"COPY", "ADD"} and "--from=" not in rest and "<<" not in rest:
            for source in _arguments(rest)[:-1]:
                if not re.search(r"[*?\[$]|://", source):
                    yield line, source.lstrip("/")


def check(directory: Path, app: App, images: Sequence[Image]) -> Iterator[Finding]:
    """Returns what is wrong with the Dockerfiles of an app, as far as they say."""
    for image in images:
        if image.dockerfile is None or image.build is None:
            continue
        file = os.path.relpath(image.dockerfile, directory)
        try:
            steps = instructions(image.dockerfile)
        except (OSError, ValueError) as error:
            yield finding("dockerfile", f"{file}:1", file=file, why=f"cannot be read: {error}")
        else:
            yield from _check(image.build, file, steps)
            yield from _hidden(image, app, steps)


def _check(build: Path, file: str, steps: Steps) -> Iterator[Finding]:
    if not any(word == "FROM" for _, word, _ in steps):
        yield finding("dockerfile", f"{file}:1", file=file, why="has no FROM")
    for line, source in _sources(steps):
        if not (build / source).exists():
            yield finding("dockerfile-copy", f"{file}:{line}", file=file, source=source, build=build.name)
    built = any(word == "RUN" and BUILDS.search(rest) for _, word, rest in steps)
    for line, word, rest in steps:
        at = f"{file}:{line}"
        if re.search(r"GOARCH=arm64|--platform=linux/arm64", rest):
            yield finding("dockerfile-arm64", at, file=file)
        for script in SCRIPT.findall(rest) if word in STARTS and not built else ():
            if "/" not in script and not any(build.rglob(script)):
                yield finding("dockerfile-command", at, file=file, script=script, build=build.name)


def _hidden(image: Image, app: App, steps: Steps) -> Iterator[Finding]:
    """Whether a volume is mounted over the directory that the app was copied to."""
    last = max((number for number, (_, word, _) in enumerate(steps) if word == "FROM"), default=0)
    home, copied = "/", False
    for _, word, rest in steps[last:]:
        if word == "WORKDIR":
            home, copied = os.path.normpath(PurePosixPath(home) / rest), False
        copied = copied or (word in {"COPY", "ADD"} and _arguments(rest)[-1:] in (["."], ["./"], [home]))
    if not copied or home == "/":
        return
    for workload in app.workloads:
        for container in containers(workload):
            for mount in workload.each(*container, "volumeMounts"):
                path = workload.text(*mount, "mountPath")
                mine = workload.text(*container, "image") == image.name
                if mine and path and PurePosixPath(home).is_relative_to(path):
                    yield finding("mount-hides-app", workload.at(*mount, "mountPath"), path=path, home=home)


def _arguments(rest: str) -> list[str]:
    """Returns the arguments of an instruction without its options, also in the form of a JSON list."""
    words = [word.strip('",') for word in rest.strip("[]").split()]
    return [word for word in words if word and not word.startswith("--")]
