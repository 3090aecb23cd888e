"""What a namespace has and lacks, before anything is touched."""

from todoctl.targets import findings
from todoctl.targets.base import Finding
from todoctl.targets.kubernetes import rights
from todoctl.targets.kubernetes.context import Context
from todoctl.targets.kubernetes.forward import Forwarder


def examine(context: Context, forwarder: Forwarder, port: int) -> list[Finding]:
    """The API server, what may be done there, and the port where it is needed."""
    options = context.options
    found = [Finding(subject="API server", ok=True, seen=context.api.server)]
    if not options.create_namespace:
        entrance = "httproutes" if options.gateway else "ingresses"
        lacking = rights.missing(context.api, entrance if options.host else None)
        found.append(
            Finding(
                subject=f"Rights in {context.namespace}",
                ok=not lacking,
                seen="not allowed: " + ", ".join(lacking) if lacking else "enough",
                fix="Ask for a Role that allows this",
            )
        )
    if options.host:
        return found
    if forwarder.leads(port):
        return [*found, Finding(subject=f"Port {port}", ok=True, seen="held by todoctl's own process")]
    return [*found, findings.of_port(port)]


def require(context: Context, forwarder: Forwarder, port: int) -> None:
    """Raises `UnavailableError` with all that is lacking at once."""
    findings.require(examine(context, forwarder, port), f"Namespace {context.namespace} cannot be used")
