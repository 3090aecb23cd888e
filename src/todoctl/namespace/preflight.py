"""What a namespace has and lacks, before anything is touched."""

from todoctl import ports
from todoctl.errors import UnavailableError
from todoctl.namespace import rights
from todoctl.namespace.context import Context
from todoctl.namespace.forward import Forwarder
from todoctl.target import Finding


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
    return found if options.host else [*found, _port(forwarder, port)]


def _port(forwarder: Forwarder, port: int) -> Finding:
    subject = f"Port {port}"
    if forwarder.leads(port):
        return Finding(subject=subject, ok=True, seen="held by todoctl's own process")
    try:
        ports.check_free(port)
    except UnavailableError as error:
        return Finding(subject=subject, ok=False, seen=error.why, fix=error.fix)
    return Finding(subject=subject, ok=True, seen="free")


def require(context: Context, forwarder: Forwarder, port: int) -> None:
    """Raises `UnavailableError` with all that is lacking at once."""
    wrong = [finding for finding in examine(context, forwarder, port) if not finding.ok]
    if wrong:
        raise UnavailableError(
            f"Namespace {context.namespace} cannot be used",
            why="; ".join(f"{finding.subject}: {finding.seen}" for finding in wrong),
            fix=" ".join(f"{finding.fix.rstrip('.')}." for finding in wrong if finding.fix),
        )
