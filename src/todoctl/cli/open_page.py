"""`todoctl open`."""

from todoctl.cli.options import (
    ClusterOption,
    ContextOption,
    NamespaceOption,
    TargetOption,
    examples,
    find_deployment,
    open_in_browser,
)

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
    from todoctl.targets.base import require_deployed
    from todoctl.terminal import Terminal

    where = find_deployment(Choice(target, cluster, context, namespace), Terminal())
    open_in_browser(require_deployed(where).url)
