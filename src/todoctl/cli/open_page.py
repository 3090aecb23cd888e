"""`todoctl open`."""

from todoctl.cli.help import examples
from todoctl.cli.options import ClusterOption, ContextOption, NamespaceOption, TargetOption
from todoctl.cli.output import make_terminal, show
from todoctl.cli.place import standing

EXAMPLES = examples("""
    todoctl open

    # One of several that are up
    todoctl open --target local
""")


def open_page(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Open the page in a browser."""
    from todoctl.targets import Choice
    from todoctl.targets.base import require_settings

    where = standing(Choice(target, cluster, context, namespace), make_terminal())
    show(where.page(require_settings(where)))
