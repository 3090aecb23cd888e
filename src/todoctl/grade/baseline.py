"""What a stranger's app does not get: what Pod Security's "baseline" refuses, and what is cluster-wide.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterable, Iterator

from todoctl.grade.catalogue import Finding, finding
from todoctl.grade.choice import POD, WORKLOADS, containers
from todoctl.grade.documents import Document, KeyPath

CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}
    | {"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)

VOLUMES = frozenset(
    {"configMap", "downwardAPI", "emptyDir", "image", "persistentVolumeClaim", "projected", "secret"}
)

SYSCTLS = frozenset(
    {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"}
    | {"net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"}
    | {"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"}
    | {"net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
)

HARMLESS = frozenset(
    {
        "CronJob",
        "Gateway",
        "HorizontalPodAutoscaler",
        "Job",
        "Kustomization",
        "LimitRange",
        "Middleware",
        "Namespace",
    }
    | {"NetworkPolicy", "Pod", "PodDisruptionBudget", "ResourceQuota", "ServiceAccount", "StorageClass"}
    | {"ReplicaSet", "Deployment", "StatefulSet", "Service", "Ingress", "HTTPRoute", "ConfigMap", "Secret"}
    | {"PersistentVolume", "PersistentVolumeClaim"}
)
"""Kinds that may be beside an app: they are not applied where the app does not need them."""

PATH_CHANGES = frozenset({"addPrefix", "replacePath", "replacePathRegex", "stripPrefix", "stripPrefixRegex"})
"""What a Middleware of Traefik may do."""


def refusals(documents: Iterable[Document], asked: Iterable[Document]) -> Iterator[Finding]:
    """Returns what is refused of an app's resources, and of the kinds that are `asked` for beside it."""
    for document in documents:
        if document.kind in WORKLOADS:
            yield from _pod(document)
        if document.kind == "Service":
            yield from _service(document)
        if document.kind == "Middleware" and not document.mapping("spec").keys() <= PATH_CHANGES:
            yield _refused(document, ("spec",), "does more than to change paths", "Leave it out")
        if document.kind == "Secret" and document.text("type") == "kubernetes.io/service-account-token":
            yield _refused(document, ("type",), "is a token for the cluster", "Leave it out")
        namespace = document.text("metadata", "namespace")
        if namespace.startswith("kube-"):
            at = ("metadata", "namespace")
            yield _refused(
                document, at, f"is in {namespace}, which is the cluster's own", "Name no namespace"
            )
    for document in asked:
        if document.kind not in HARMLESS:
            fix = "Name the files of the app alone with -f PATH, without this one"
            yield _refused(document, ("kind",), "is for more than an app in a namespace", fix)


def _refused(document: Document, at: KeyPath, why: str, fix: str) -> Finding:
    return finding("refused", document.at(*at), title=document.title, why=why, fix=fix)


def _pod(workload: Document) -> Iterator[Finding]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if workload.get(*POD, key):
            yield _refused(workload, (*POD, key), f"asks for {key}", f"Leave {key} out")
    for volume in workload.each(*POD, "volumes"):
        for kind in sorted(workload.mapping(*volume).keys() - VOLUMES - {"name"}):
            fix = "Mount a PersistentVolumeClaim instead"
            yield _refused(workload, (*volume, kind), f"has a volume of the type {kind}", fix)
        for source in workload.each(*volume, "projected", "sources"):
            if workload.get(*source, "serviceAccountToken"):
                yield _refused(workload, source, "asks for a token for the cluster", "Leave it out")
    for sysctl in workload.each(*POD, "securityContext", "sysctls"):
        if workload.text(*sysctl, "name") not in SYSCTLS:
            yield _refused(workload, sysctl, "sets a value of the kernel", "Leave sysctls out")
    yield from _context(workload, (*POD, "securityContext"))
    for container in containers(workload):
        yield from _context(workload, (*container, "securityContext"))
        yield from _reached(workload, container)


def _reached(workload: Document, container: KeyPath) -> Iterator[Finding]:
    """Returns the ports and the addresses outside of the pod that a container asks for."""
    for port in workload.each(*container, "ports"):
        if workload.get(*port, "hostPort"):
            fix = "Leave hostPort out: a Service and an Ingress lead to the app"
            yield _refused(workload, (*port, "hostPort"), "asks for a port of the node", fix)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        for kind in ("httpGet", "tcpSocket"):
            at = (*container, probe, kind, "host")
            if workload.text(*at):
                yield _refused(workload, at, f"has a {probe} of another host", "Leave host out")


def _context(workload: Document, at: KeyPath) -> Iterator[Finding]:
    """Returns what a security context asks for beyond the baseline."""
    if workload.get(*at, "privileged"):
        yield _refused(
            workload, (*at, "privileged"), "asks for a privileged container", "Leave privileged out"
        )
    added = workload.get(*at, "capabilities", "add")
    beyond = [str(one) for one in added if one not in CAPABILITIES] if isinstance(added, list) else []
    if beyond:
        names = ", ".join(beyond)
        yield _refused(workload, (*at, "capabilities", "add"), f"asks for {names}", f"Leave {names} out")
    for key in ("seccompProfile", "appArmorProfile"):
        if workload.text(*at, key, "type") == "Unconfined":
            yield _refused(workload, (*at, key), f"turns {key} off", f"Leave {key} out")
    if workload.text(*at, "procMount") not in {"", "Default"}:
        yield _refused(workload, (*at, "procMount"), "asks for all of /proc", "Leave procMount out")
    for key in ("seLinuxOptions", "windowsOptions"):
        if workload.get(*at, key):
            yield _refused(workload, (*at, key), f"sets {key}", f"Leave {key} out")


def _service(service: Document) -> Iterator[Finding]:
    if service.get("spec", "externalIPs"):
        at = ("spec", "externalIPs")
        yield _refused(service, at, "takes addresses that are not its own", "Leave externalIPs out")
    if service.text("spec", "type") == "ExternalName":
        fix = "Lead to the pods of the app with a selector"
        yield _refused(service, ("spec", "type"), "leads to another host", fix)
