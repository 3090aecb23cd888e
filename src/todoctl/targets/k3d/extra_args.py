"""What `--k3d-arg` hands on to `k3d cluster create`, and what of it would contradict todoctl's own."""

import re
from collections.abc import Iterable

from todoctl.errors import BadUsageError

SHORT = {
    "a": "agents",
    "c": "config",
    "e": "env",
    "h": "help",
    "i": "image",
    "p": "port",
    "s": "servers",
    "v": "volume",
}
"""The options of `k3d cluster create` that have a short form."""

SET_BY_TODOCTL = {
    "agents": "Use --agents",
    "api-port": "todoctl chooses a free port on 127.0.0.1",
    "config": "Give what the file says as options, one --k3d-arg for each",
    "help": "See 'k3d cluster create --help'",
    "image": "Use --k3s-image",
    "kubeconfig-switch-context": "Use --keep-context",
    "kubeconfig-update-default": "Use --keep-context",
    "no-lb": "The page comes through the load balancer",
    "timeout": "todoctl waits by itself",
    "wait": "todoctl waits by itself",
}
"""Options that may be there once, with what to do instead."""

SET_IN_PART = {
    "port": (r"(.*:)?80(/tcp)?(@.*)?", "Use --port and --listen; other ports than 80 may be given"),
    "runtime-label": (r"todoctl(=.*|@.*)?", "By that label todoctl knows its own clusters"),
}
"""Options that may be there several times: a pattern for todoctl's own values, and what to do instead."""


def check(words: Iterable[str]) -> None:
    """Raises `BadUsageError` for a word that todoctl cannot hand on; each is an option with its value."""
    for word in words:
        name, value = _split(word)
        fix = SET_BY_TODOCTL.get(name, "")
        if name in SET_IN_PART:
            pattern, reason = SET_IN_PART[name]
            fix = reason if re.fullmatch(pattern, value) else ""
        if fix:
            raise BadUsageError(f"--k3d-arg {word} contradicts what todoctl sets itself", fix=fix)


def _split(word: str) -> tuple[str, str]:
    """The option's long name, and its value; "" where it has none."""
    if word.startswith("--") and len(word) > 2:
        name, _, value = word[2:].partition("=")
        return name, value
    if word.startswith("-") and word[1:2] in SHORT:
        return SHORT[word[1:2]], word[2:].removeprefix("=")
    raise BadUsageError(
        f"--k3d-arg {word!r} is no option of 'k3d cluster create'",
        fix="Use --k3d-arg=--OPTION=VALUE, once for each option",
    )
