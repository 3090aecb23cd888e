"""What several targets look for before anything is touched, and how all that is wrong is told at once."""

from collections.abc import Iterable

from todoctl import ports
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.targets.base import Finding


def of_port(port: int) -> Finding:
    """Whether a port of this machine is free, and who holds it if not."""
    subject = f"Port {port}"
    try:
        ports.check_free(port)
    except UnavailableError as error:
        return of_error(subject, error)
    return Finding(subject=subject, ok=True, seen="free")


def of_error(subject: str, error: TodoctlError) -> Finding:
    """What an error says of `subject`."""
    return Finding(subject=subject, ok=False, seen=error.why or error.what, fix=error.fix)


def require(found: Iterable[Finding], what: str) -> None:
    """Raises `UnavailableError`, saying `what`, with everything that is in the way."""
    wrong = [finding for finding in found if finding.required and not finding.ok]
    if wrong:
        raise UnavailableError(
            what,
            why="; ".join(f"{finding.subject}: {finding.seen}" for finding in wrong),
            fix=" ".join(dict.fromkeys(f"{finding.fix.rstrip('.')}." for finding in wrong if finding.fix)),
        )
