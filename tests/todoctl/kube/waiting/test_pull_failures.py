"""What container runtimes say where an image cannot be pulled; the words are real ones."""

import pytest

from todoctl.kube.waiting.blocker import Grade
from todoctl.kube.waiting.pull_failures import LONGEST, failure, point

UNPACK = 'failed to pull and unpack image "docker.io/rancher/x:1": '
RESOLVE = UNPACK + 'failed to resolve reference "docker.io/rancher/x:1": '
IMAGE = UNPACK + "failed to resolve image: "  # containerd 2.4
HEAD = RESOLVE + 'failed to do request: Head "https://registry-1.docker.io/v2/rancher/x/manifests/1": '
PLAIN = IMAGE + 'failed to do request: Head "https://r.test:5055/v2/x/manifests/1": '
GET = UNPACK + 'failed to copy: failed open: failed to do request: Get "https://cdn.test/b": '
DENIED = "pull access denied, repository does not exist or may require authorization: insufficient_scope"
LIMIT = "httpReadSeeker: failed open: unexpected status code https://r.test/v2/x: 429 Too Many Requests"
RESET = "read tcp 10.1.1.2:4->10.1.1.1:443: read: connection reset by peer"
UNKNOWN = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
FULL = "failed to extract layer sha256:1: write /var/lib/x: no space left on device"
INVALID = 'couldn\'t parse image reference "X:1": invalid reference format'


@pytest.mark.parametrize(
    ("calls", "end", "grade", "said"),
    [
        (RESOLVE + "docker.io/rancher/x:1: ", "not found", Grade.FINAL, "does not exist"),
        (IMAGE + "docker.io/rancher/x:1: ", "not found", Grade.FINAL, "does not exist"),
        (IMAGE, DENIED, Grade.FINAL, "asks for a login"),
        (PLAIN, "http: server gave HTTP response to HTTPS client", Grade.STUCK, "is not trusted"),
        (RESOLVE, DENIED, Grade.FINAL, "asks for a login"),
        (RESOLVE, "unexpected status from HEAD request: 403 Forbidden", Grade.FINAL, "asks for a login"),
        (HEAD, "dial tcp: lookup registry-1.docker.io: no such host", Grade.STUCK, "is not reached"),
        (HEAD, "dial tcp: lookup host.k3d.internal on 1.1.1.1: no such host", Grade.STUCK, "lost the name"),
        (HEAD, "dial tcp 172.19.0.1:1: connect: connection refused", Grade.STUCK, "is not reached"),
        (HEAD, "dial tcp 10.0.0.1:443: i/o timeout", Grade.STUCK, "is not reached"),
        (HEAD, "EOF", Grade.STUCK, "is not reached"),
        (UNPACK + "failed to copy: ", "unexpected EOF", Grade.PENDING, "the connection broke off"),
        (GET, "dial tcp: lookup cdn.test: no such host", Grade.STUCK, "is not reached"),
        (HEAD, UNKNOWN, Grade.STUCK, "is not trusted"),
        (UNPACK + "failed to copy: ", LIMIT, Grade.FINAL, "limits how much it gives"),
        (UNPACK + "failed to copy: ", RESET, Grade.PENDING, "the connection broke off"),
        (UNPACK, FULL, Grade.FINAL, "has no space in the node"),
        (UNPACK, "no match for platform in manifest: not found", Grade.FINAL, "this machine's processor"),
        ("", INVALID, Grade.FINAL, "has no valid name"),
        ("", "Container image is not present with pull policy of Never", Grade.FINAL, "never to be pulled"),
        ("", "something new", Grade.STUCK, "cannot be pulled"),
    ],
)
@pytest.mark.parametrize("status", ["", "rpc error: code = Unknown desc = "])
def test_a_message_is_known_and_comes_to_the_point(
    status: str, calls: str, end: str, grade: Grade, said: str
) -> None:
    message = f"{status}{calls}{end}"
    found = failure(message)
    assert (found.grade, said in found.said) == (grade, True), found
    assert point(message) == (end if calls else message)
    assert found.what_to_do
    assert not found.what_to_do.endswith(".")


def test_a_long_message_is_cut() -> None:
    assert point("word " * 100) == ("word " * 100)[: LONGEST - 1] + "…"
