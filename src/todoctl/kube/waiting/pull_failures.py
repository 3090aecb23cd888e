"""Why a node cannot pull an image, from what its container runtime says."""

import re
from dataclasses import dataclass

from todoctl.kube.waiting.blocker import Grade, shortened


@dataclass(frozen=True, slots=True)
class Failure:
    """`said` goes after the image's name; `what_to_do` ends with no full stop."""

    said: str
    grade: Grade
    what_to_do: str


LOAD = "'k3d image import', 'kind load docker-image' or 'minikube image load'"
NETWORK = f"Check the network and proxy of the nodes, or load the image into the cluster: {LOAD}"
TRUST = (
    "Let the nodes trust it (with k3d: https://k3d.io/stable/usage/registries/), or load the image into the "
    f"cluster: {LOAD}"
)
LOG_IN = "let the cluster log in to its registry"
NAME_OR_LOGIN = f"Correct the image's name, {LOG_IN}, or load it into the cluster: {LOAD}"
NAME = f"Correct the image's name, or load it into the cluster: {LOAD}"

REFUSED = Failure("does not exist, or its registry asks for a login", Grade.FINAL, NAME_OR_LOGIN)

KNOWN = (
    (
        r"no space left|disk quota exceeded",
        Failure(
            "has no space in the node",
            Grade.FINAL,
            "Free some disk space where Docker keeps its data ('docker system df' shows what it holds)",
        ),
    ),
    (
        r"toomanyrequests|429 too many",
        Failure(
            "is refused by its registry, which limits how much it gives",
            Grade.FINAL,
            f"Wait, sign in to the registry, or load the image into the cluster: {LOAD}",
        ),
    ),
    (
        r"unexpected eof|reset by peer|broken pipe|short read|context canceled",
        Failure("did not come whole: the connection broke off", Grade.PENDING, NETWORK),
    ),
    (
        r"x509|certificate|http response to https",
        Failure(
            "cannot be pulled: its registry is not trusted",
            Grade.STUCK,
            TRUST,
        ),
    ),
    (
        r"lookup host\.k3d\.internal.*no such host",  # https://github.com/k3d-io/k3d/issues/1221
        Failure(
            "cannot be pulled: its node has lost the name host.k3d.internal",
            Grade.STUCK,
            "Only k3d gives it to a node that was restarted: run 'k3d cluster stop' and 'k3d cluster start'",
        ),
    ),
    (
        r"no such host|refused|no route|unreachable|timeout|timed out|deadline exceeded|misbehaving|\beof\b",
        Failure("cannot be pulled: its registry is not reached", Grade.STUCK, NETWORK),
    ),
    (
        r"invalid ?(reference|image ?name)|could ?n.t parse image",
        Failure("has no valid name", Grade.FINAL, NAME),
    ),
    (
        r"errimageneverpull|pull policy of never",
        Failure("is not in the node, and is never to be pulled", Grade.FINAL, NAME),
    ),
    (
        r"no match for platform|no matching manifest",
        Failure("is not made for this machine's processor", Grade.FINAL, NAME),
    ),
    (
        r"denied|insufficient_scope|unauthorized|authorization failed|forbidden|\b40[13]\b",
        REFUSED,
    ),
    (
        r"not ?found|manifest unknown|name unknown",
        Failure("does not exist", Grade.FINAL, NAME),
    ),
)
"""Words of container runtimes and registries, in small letters; the first that are found count."""

UNKNOWN = Failure("cannot be pulled", Grade.STUCK, "See 'kubectl describe pods --all-namespaces'")

CHAIN = re.compile(
    r".*failed to (?:do request|authorize|copy|(?:pull and unpack image|resolve reference) "
    r'"(?P<name>[^"]*)")'
    r': (?:failed to resolve image: )?(?:(?:Head|Get) "[^"]*": |(?P=name): )?'
)
"""Where the message of a failed pull comes to the point: the calls that it went through stand before that.

containerd 2.4 "resolves an image" where earlier ones "resolve a reference" and name it once more.
"""

LONGEST = 160


def failure(message: str) -> Failure:
    """What a pull that failed with `message` has come to."""
    words = message.lower()
    return next((known for pattern, known in KNOWN if re.search(pattern, words)), UNKNOWN)


def point(message: str) -> str:
    """The end of `message`, without the calls that it went through."""
    return shortened(CHAIN.sub("", " ".join(message.split()), count=1), LONGEST)
