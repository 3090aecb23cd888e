"""The image service in a pod of its own, beside the app: from the app's image, as a text of ours."""

import base64
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection

from todoctl.image_service import service
from todoctl.image_service.client import Controlled, fetch_over, others
from todoctl.kube import manifests, wait
from todoctl.kube.client import TIMEOUT, Client
from todoctl.kube.helper_pod import own_pod, remove_pod, require_pod
from todoctl.kube.manifests import NAMESPACE, Resource

NAME = "todoctl-image-service"
PORT = 8000
WAIT_SECONDS = 60.0


def pod(
    image: str, namespace: str = NAMESPACE, *, node: str | None = None, pull_secrets: Sequence[str] = ()
) -> Resource:
    """Returns the pod, on the one node that has the image if there is such a one."""
    given = [
        f"{number},{picture.kind},{base64.b64encode(picture.content).decode()}"
        for number, picture in others().items()
    ]
    container = {
        "image": image,
        "command": ["python3", "-c"],
        "args": [inspect.getsource(service), str(PORT), *given],
        "ports": [{"name": "http", "containerPort": PORT}],
    }
    found = own_pod(
        namespace,
        NAME,
        container,
        restartPolicy="Never",  # a new one would not know what the old one has served
        **({"nodeName": node} if node else {}),
        **manifests.pulled_with(pull_secrets),
    )
    found["metadata"]["labels"]["app.kubernetes.io/name"] = NAME
    return found


@contextmanager
def run_beside(
    client: Client, image: str, *, node: str | None = None, pull_secrets: Sequence[str] = ()
) -> Iterator[Controlled]:
    """The image service, answering; gone at the end of the block. It is asked over a forwarded port."""
    wanted = pod(image, client.namespace, node=node, pull_secrets=pull_secrets)

    def connect() -> HTTPConnection:
        connection = HTTPConnection(NAME, PORT)
        connection.sock = client.connect(NAME, PORT)
        connection.sock.settimeout(TIMEOUT)  # what leads there may end without closing its end
        return connection

    fetch = fetch_over(connect)

    def answers() -> wait.Reason | None:
        fetch("GET", "/journal/0")
        return None

    try:
        remove_pod(client, NAME)  # of a run that was killed
        wait.gone(client, [wanted], None, WAIT_SECONDS)
        address = require_pod(client, wanted, None)["status"]["podIP"]
        wait.until(answers, "The image service does not answer", None, WAIT_SECONDS)
        host = f"[{address}]" if ":" in address else address
        yield Controlled(f"http://{host}:{PORT}{service.ASKED}", fetch, same_clock=False)
    finally:
        remove_pod(client, NAME)
