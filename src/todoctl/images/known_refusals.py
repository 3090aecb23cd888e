"""What registries, Docker and containerd say if no other attempt to get an image helps, and what to do."""

import re

NAME = "Check the image's name"
LOGIN = "Check the image's name, and log in to its registry"

KNOWN = (
    (r"no space left|disk quota", "Free disk space where images are kept ('docker system df')"),
    (r"toomanyrequests|\b429\b", "The registry limits pulls: log in to it, or try again later"),
    (
        r"credentials store|error getting credentials",
        "Mend credsStore and credHelpers in Docker's config.json",
    ),
    (r"x509", "Trust the registry: https://docs.docker.com/engine/security/certificates/"),
    (r"http response to https", "List the registry among 'insecure-registries' in Docker's daemon.json"),
    (r"verification failed", "The registry has sent something else than it said; try again"),
    (r"failed to register layer", "It could not be unpacked; see 'docker info'"),
    (r"no match for platform|no matching manifest", "Choose an image for this machine's architecture"),
    (r"invalid ?(reference|image ?name)|could ?n.t parse|neverpull|policy of never", NAME),
    (
        r"denied|insufficient_scope|unauthorized|authentication required|no basic auth|forbidden|\b40[13]\b",
        LOGIN,
    ),
    (r"manifest unknown|name unknown|not ?found(?!.*host)", NAME),
)
"""Patterns in small letters; the first that is found counts."""

LINE = re.compile(r"no such host|connection refused|unreachable|time(d )?out|connection reset|unexpected eof")
"""Troubles of the line, which may pass, whatever else is said."""


def remedy(why: str) -> str:
    """Returns what to do about `why`; empty if another attempt may help."""
    said = why.lower()
    if LINE.search(said):
        return ""
    return next((fix for pattern, fix in KNOWN if re.search(pattern, said)), "")
