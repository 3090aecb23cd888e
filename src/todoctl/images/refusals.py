"""What Docker's engine says of a registry or an image where no further attempt helps, and what to do."""

LOGIN, NAME = "Log in with 'docker login'", "Check the name"

KNOWN = (
    ("no space left", "Free some disk space; 'docker system df' shows what Docker takes", False),
    ("toomanyrequests", "The registry limits pulls: log in with 'docker login', or try again later", False),
    ("no matching manifest", "There is none for this machine's architecture: choose one that has it", True),
    ("invalid reference", NAME, True),
    ("unauthorized", LOGIN, True),
    ("authentication required", LOGIN, True),
    ("no basic auth", LOGIN, True),
    ("denied", "Check the name and log in with 'docker login'", True),
    ("credentials store", "Mend or remove credsStore and credHelpers in Docker's config.json", False),
    ("not found", NAME, True),
    ("manifest unknown", NAME, True),
    ("name unknown", NAME, True),
    ("x509", "Let Docker trust the registry: https://docs.docker.com/engine/security/certificates/", False),
    (
        "http response to https",
        "List the registry among 'insecure-registries' in Docker's daemon.json",
        False,
    ),
    ("verification failed", "The registry has sent something else; run 'todoctl up' again", False),
    ("failed to register layer", "Docker could not unpack it; see 'docker info' and Docker's own log", False),
)
"""Words of the engine in small letters, what to do, and whether another image would do as well."""


def remedy(why: str, option: str = "") -> str:
    """What to do about `why`, empty where another attempt may help. `option` names another image."""
    said = why.lower()
    for words, fix, other in KNOWN:
        if words in said:
            return f"{fix}, or name another image with {option}" if other and option else fix
    return ""
