"""The image service in a pod of its own, beside the app: from the app's image, as a text of ours."""

import base64
import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from todoctl.errors import UnavailableError
from todoctl.image_service import service
from todoctl.image_service.client import Controlled
from todoctl.image_service.formats import others
from todoctl.kube import manifests, wait
from todoctl.kube.attempts import wait_until
from todoctl.kube.client import TIMEOUT, Client
from todoctl.kube.context import Context
from todoctl.kube.helper_pod import own_pod, remove_pod, require_pod
from todoctl.kube.manifests import MANAGER, NAMESPACE, Resource
from todoctl.kube.ownership import OWNER, is_ours
from todoctl.kube.waiting import single
from todoctl.settings import Settings

NAME = "todoctl-image-service"
PORT = 8000
WAIT_SECONDS = 60.0


def pod(
    node: str | None, image: str, namespace: str = NAMESPACE, pull_secrets: Sequence[str] = ()
) -> Resource:
    """On the one node that has the image, where that is so, and with no more rights than the app."""
    app = manifests.deployment_of(manifests.plain())["spec"]["template"]["spec"]
    given = [
        f"{number},{picture.kind},{base64.b64encode(picture.content).decode()}"
        for number, picture in others().items()
    ]
    rights = {key: value for key, value in app["securityContext"].items() if not key.startswith("fsGroup")}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {OWNER: MANAGER, "app.kubernetes.io/name": NAME},
        },
        "spec": {
            **({"nodeName": node} if node else {}),
            **manifests.pulled_with(pull_secrets),
            "restartPolicy": "Never",  # a new one would not know what the old one has served
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": rights,
            "containers": [
                {
                    "name": "image-service",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": [*manifests.ENTRY_POINT, "python3", "-c"],
                    "args": [inspect.getsource(service), str(PORT), *given],
                    "ports": [{"name": "http", "containerPort": PORT}],
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"cpu": "1", "memory": "128Mi"},
                    },
                    "securityContext": app["containers"][0]["securityContext"],
                }
            ],
        },
    }


def remove(context: Context) -> None:
    """Deletes the pod, where there is one and todoctl has made it."""
    api = context.api
    named: Resource = {"kind": "Pod", "metadata": {"name": NAME}}
    found = api.read(named)
    if is_ours(found):
        context.tell_kubectl("delete", f"pod/{NAME}", "--grace-period=0", "--force")
        api.delete(named, grace=0)


@contextmanager
def running(context: Context, image: str) -> Iterator[Controlled]:
    """The image service, answering; gone at the end of the block."""
    wanted = pod(context.node_name, image, context.namespace, context.pull_secrets)

    def fetch(method: str, path: str) -> bytes:
        if method == "POST":
            # Its slashes as %2F, as the API server's proxy wants them of kubectl too.
            way = f"/api/v1/namespaces/{context.namespace}/pods/{NAME}:{PORT}/proxy{path}"
            context.tell_kubectl("create", f"--raw={way}", "--filename=/dev/null")
        return context.ask_pod(method, NAME, PORT, path)

    def make() -> None:
        printing = context.printing(Settings(), image)
        context.commands.tell([*printing, "--image-service"], context.kubectl("apply", "-f", "-"))
        context.api.apply(wanted)

    try:
        remove(context)  # of a run that was killed
        address = single.wait(context, wanted, make).status.pod_ip
        wait_until(context.stop, lambda: fetch("GET", "/journal/0"), None, "the image service", WAIT_SECONDS)
        yield Controlled(f"http://{address}:{PORT}{service.ASKED}", fetch, same_clock=False)
    finally:
        remove(context)


# On the new client (the functions above go with kube/context.py)


def run_beside(
    client: Client, image: str, *, node: str | None = None, pull_secrets: Sequence[str] = ()
) -> AbstractContextManager[Controlled]:
    """The image service, answering; gone at the end of the block. It is asked over a forwarded port."""
    return _beside(client, image, node, pull_secrets)


@contextmanager
def _beside(
    client: Client, image: str, node: str | None, pull_secrets: Sequence[str]
) -> Iterator[Controlled]:
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
    wanted = own_pod(
        client,
        NAME,
        container,
        restartPolicy="Never",  # a new one would not know what the old one has served
        **({"nodeName": node} if node else {}),
        **manifests.pulled_with(pull_secrets),
    )
    wanted["metadata"]["labels"]["app.kubernetes.io/name"] = NAME

    def fetch(method: str, path: str) -> bytes:
        connection = HTTPConnection(NAME, PORT)
        connection.sock = client.connect(NAME, PORT)
        connection.sock.settimeout(TIMEOUT)  # what leads there may end without closing its end
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            fix = "Run the command again"
            raise UnavailableError(f"The pod {NAME} does not answer", why=repr(error), fix=fix) from None
        finally:
            connection.close()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            why, fix = f"{answer.status} {answer.reason}", f"See 'kubectl logs {NAME}'"
            raise UnavailableError(f"The pod {NAME} has refused", why=why, fix=fix)
        return body

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
