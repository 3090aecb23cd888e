"""What is changed so that many run side by side: each change is noted, and all else stays as it was."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.todoctl.grade.made import APP, SLOT, changed, ingress, manifests, storage, written
from todoctl.errors import BadUsageError
from todoctl.grade.adapt import Adapted, adapt
from todoctl.grade.submission import find

IMAGES = {"someone/project:1.12": "todoctl/anna-project:abc"}


def adapted(directory: Path, files: dict[str, str]) -> Adapted:
    return adapt(find(written(directory, files)), replace(SLOT, images=IMAGES))


def by_kind(found: Adapted) -> dict[str, dict[str, Any]]:
    return {resource["kind"]: resource for resource in found.resources}


def test_what_is_applied_in_a_slot(tmp_path: Path) -> None:
    found = adapted(tmp_path, APP)
    kinds = by_kind(found)
    volume, claim = kinds["PersistentVolume"], kinds["PersistentVolumeClaim"]
    assert volume["metadata"]["name"] == "grade-anna-project-pv"
    assert (
        volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == "grade-anna-project-class"
    )
    assert found.directories == ("/var/lib/todoctl/anna/tmp-kube",) == (volume["spec"]["local"]["path"],)
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == [SLOT.node]
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert (pod["containers"][0]["image"], pod["containers"][0]["imagePullPolicy"]) == (
        "todoctl/anna-project:abc",
        "IfNotPresent",
    )
    assert kinds["Ingress"]["spec"]["rules"][0]["host"] == "anna.localhost"
    assert {kind: resource["metadata"].get("namespace") for kind, resource in kinds.items()} == {
        "PersistentVolume": None,
        "PersistentVolumeClaim": "grade-anna",
        "Deployment": "grade-anna",
        "Service": "grade-anna",
        "Ingress": "grade-anna",
    }
    assert [(change.at, change.what, change.old, change.new) for change in found.changes] == [
        ("volumes/project.yaml:4", "metadata.name", "project-pv", "grade-anna-project-pv"),
        ("volumes/project.yaml:6", "spec.storageClassName", "project-class", "grade-anna-project-class"),
        ("volumes/project.yaml:11", "spec.local.path", "/tmp/kube", "/var/lib/todoctl/anna/tmp-kube"),
        ("volumes/project.yaml:12", "spec.nodeAffinity", "k3d-k3s-default-agent-0", SLOT.node),
        (
            "project/manifests/claim.yaml:6",
            "spec.storageClassName",
            "project-class",
            "grade-anna-project-class",
        ),
        (
            "project/manifests/deployment.yaml:21",
            "spec.template.spec.containers.0.image",
            "someone/project:1.12",
            "todoctl/anna-project:abc",
        ),
        ("project/manifests/ingress.yaml:6", "spec.rules", "", "anna.localhost"),
    ]


FILES = {
    "the original": APP,
    "every kind of storage": {
        "a.yaml": manifests("todo", claim="todo") + "---\n" + ingress("todo", root="todo-svc"),
        "b.yaml": storage("todo", "csi"),
    },
    "a volume of the node": {
        "a.yaml": manifests("todo", claim="todo") + "---\n" + ingress("todo", root="todo-svc"),
        "b.yaml": storage("todo", "hostPath"),
    },
    "no Ingress": {"a.yaml": manifests("todo", claim="todo"), "b.yaml": storage("todo")},
    "a StatefulSet": {
        "a.yaml": manifests("todo").replace("Deployment", "StatefulSet").replace(
            "  replicas: 1",
            "  replicas: 1\n  serviceName: todo-svc\n  volumeClaimTemplates:\n"
            "  - metadata: {name: files}\n    spec:\n      accessModes: [ReadWriteOnce]\n"
            "      resources: {requests: {storage: 1Gi}}\n",
        )
        + "---\n"
        + ingress("todo", root="todo-svc"),
    },
}  # fmt: skip


@pytest.mark.parametrize("files", FILES.values(), ids=list(FILES))
def test_a_cluster_takes_what_is_applied(tmp_path: Path, files: dict[str, str]) -> None:
    found = adapted(tmp_path, files)
    assert not [finding for finding in found.findings if finding.severity != "hint"]
    for resource in found.resources:
        kubernetes_validate.validate(resource, "1.31", strict=True)
    assert found.resources[-1]["kind"] == "Ingress"
    assert found.resources[-1]["spec"]["rules"][0]["host"] == SLOT.host


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Returns each value that is no list or mapping, with its path."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, (*path, str(key)))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from leaves(below, (*path, str(number)))
    else:
        yield ".".join(path), value


QUIET = (
    "metadata.namespace",
    "spec.template.spec.automountServiceAccountToken",
    "imagePullPolicy",
    "spec.ingressClassName",
    "host",
    "nodeAffinity",
)
"""What is set without a note: todoctl's own business, or what a note on the whole says."""


@given(
    extra=st.dictionaries(
        st.sampled_from(
            ["terminationGracePeriodSeconds", "enableServiceLinks", "nodePort", "type", "replicas"]
        ),
        st.integers(0, 9) | st.text("abc", min_size=1),
    )
)
@settings(max_examples=40, deadline=None)
def test_what_no_change_names_is_as_it_was(extra: dict[str, object]) -> None:
    files = dict(APP)
    for name in ("deployment", "service"):
        resource = yaml.safe_load(files[f"project/manifests/{name}.yaml"])
        (resource["spec"]["template"]["spec"] if name == "deployment" else resource["spec"]).update(extra)
        files[f"project/manifests/{name}.yaml"] = yaml.safe_dump(resource)
    with TemporaryDirectory() as directory:
        submission = find(written(Path(directory), files))
        found = adapt(submission, replace(SLOT, images=IMAGES))
    noted = {change.what for change in found.changes}
    for document, resource in zip(submission.documents, found.resources, strict=True):
        before, after = dict(leaves(document.resource)), dict(leaves(resource))
        for path in before.keys() | after.keys():
            if before.get(path) != after.get(path):
                assert any(path.startswith(name) for name in noted) or any(name in path for name in QUIET), (
                    path
                )


SERVICE, DEPLOYMENT = "project/manifests/service.yaml", "project/manifests/deployment.yaml"
CLAIM, INGRESS = "project/manifests/claim.yaml", "project/manifests/ingress.yaml"
CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: project-class}
provisioner: rancher.io/local-path
"""
DEFAULT_BACKEND = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: project-ingress}
spec:
  defaultBackend: {service: {name: project-svc, port: {number: 2345}}}
  tls: [{hosts: [example.com]}]
"""
POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("changes", "kind", "path", "value"),
    [
        ({SERVICE: "type: ClusterIP => type: LoadBalancer"}, "Service", "spec.type", "ClusterIP"),
        (
            {SERVICE: "targetPort: 3000 => targetPort: 3000\n      nodePort: 30080"},
            "Service",
            "spec.ports.0.nodePort",
            None,
        ),
        (
            {DEPLOYMENT: "      containers: =>       nodeName: k3d-x\n      containers:"},
            "Deployment",
            f"{POD}.nodeName",
            None,
        ),
        (
            {DEPLOYMENT: "      containers: =>       serviceAccountName: admin\n      containers:"},
            "Deployment",
            f"{POD}.serviceAccountName",
            None,
        ),
        (
            {INGRESS: "    - http: =>     - host: example.com\n      http:"},
            "Ingress",
            "spec.rules.0.host",
            "anna.localhost",
        ),
        (
            {CLAIM: "project-class => local-path", "volumes/project.yaml": None},
            "PersistentVolumeClaim",
            "spec.storageClassName",
            "local-path",
        ),
        (
            {"volumes/project.yaml": None, "project/manifests/class.yaml": {"text": CLASS}},
            "PersistentVolumeClaim",
            "spec.storageClassName",
            "local-path",
        ),
        (
            {DEPLOYMENT: "          env: =>           imagePullPolicy: Always\n          env:"},
            "Deployment",
            f"{POD}.containers.0.imagePullPolicy",
            "IfNotPresent",
        ),
        (
            {DEPLOYMENT: "      containers: =>       automountServiceAccountToken: true\n      containers:"},
            "Deployment",
            f"{POD}.automountServiceAccountToken",
            False,
        ),
        (
            {"volumes/project.yaml": "  local: =>   claimRef: {name: a, namespace: default}\n  local:"},
            "PersistentVolume",
            "spec.claimRef.namespace",
            "grade-anna",
        ),
        (
            {INGRESS: {"text": DEFAULT_BACKEND}},
            "Ingress",
            "spec.rules.0.http.paths.0.backend.service.port.number",
            2345,
        ),
        (
            {CLAIM: "  accessModes =>   volumeName: project-pv\n  accessModes"},
            "PersistentVolumeClaim",
            "spec.volumeName",
            "grade-anna-project-pv",
        ),
    ],
)
def test_what_would_meet_others_is_changed(
    tmp_path: Path, changes: dict[str, Any], kind: str, path: str, value: object
) -> None:
    found = adapted(tmp_path, changed(changes))
    assert found.findings == ()
    assert dict(leaves(by_kind(found)[kind])).get(path) == value


MIDDLEWARE = """\
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {name: strip}
spec: {stripPrefix: {prefixes: [/todo]}}
"""


def test_an_ingress_leads_to_its_own_app_alone(tmp_path: Path) -> None:
    files = {
        "todo/app.yaml": manifests("todo", claim="todo") + "---\n" + storage("todo") + "---\n" + MIDDLEWARE,
        "pong/app.yaml": manifests("ping-pong"),
        "ingress.yaml": ingress("all", pong="ping-pong-svc", todo="todo-svc").replace(
            "  name: all",
            "  name: all\n  annotations:\n"
            "    traefik.ingress.kubernetes.io/router.middlewares: default-strip@kubernetescrd\n"
            "    nginx.ingress.kubernetes.io/configuration-snippet: return 200;\n",
        ),
    }
    found = adapted(tmp_path, files)
    entry = by_kind(found)["Ingress"]
    assert [path["path"] for path in entry["spec"]["rules"][0]["http"]["paths"]] == ["/todo"]
    assert entry["metadata"]["annotations"] == {
        "traefik.ingress.kubernetes.io/router.middlewares": "grade-anna-strip@kubernetescrd"
    }
    assert by_kind(found)["Middleware"]["metadata"]["namespace"] == "grade-anna"
    written(tmp_path, {"todo/app.yaml": files["todo/app.yaml"].replace("stripPrefix:", "forwardAuth:")})
    assert [finding.code for finding in adapt(find(tmp_path), SLOT).findings] == ["refused"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.text("ab/.-", max_size=6),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["name", "path", "spec"]), below)
    ),
    max_leaves=6,
)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_nothing_leaves_the_slot_whatever_is_written(data: st.DataObject) -> None:
    """One value anywhere in the manifests is another one, of any type."""
    files = dict(APP)
    name = data.draw(
        st.sampled_from(sorted(name for name in APP if name.endswith("yaml") and "log" not in name))
    )
    resource = yaml.safe_load(files[name])
    parent, below = resource, deepcopy(resource)
    keys: list[Any] = []
    while isinstance(below, dict | list) and below and (len(keys) < 2 or data.draw(st.booleans())):
        key = data.draw(
            st.sampled_from(sorted(below) if isinstance(below, dict) else list(range(len(below))))
        )
        keys.append(key)
        below = below[key]
    for key in keys[:-1]:
        parent = parent[key]
    parent[keys[-1]] = data.draw(values)
    files[name] = yaml.safe_dump(resource)
    with TemporaryDirectory() as directory:
        try:
            found = adapt(find(written(Path(directory), files)), SLOT)
        except BadUsageError:
            return
    for one in found.resources:
        if one["kind"] == "PersistentVolume":
            assert one["metadata"]["name"].startswith("grade-anna-")
            assert one["spec"]["storageClassName"].startswith("grade-anna-")
            sources = [one["spec"].get(kind) for kind in ("local", "hostPath")]
            paths = [source["path"] for source in sources if isinstance(source, dict) and source]
            assert all(path.startswith(f"{SLOT.directory}/") and ".." not in path for path in paths)
        else:
            assert one["metadata"]["namespace"] == "grade-anna"
        if one["kind"] == "Ingress":
            assert [rule["host"] for rule in one["spec"]["rules"]] == ["anna.localhost"]
        if one["kind"] == "PersistentVolumeClaim":
            spec = one["spec"]
            assert str(spec.get("storageClassName") or "grade-anna-").startswith(
                ("grade-anna-", "local-path")
            )
