"""The workloads that a change breaks, in words."""

from collections import Counter

from webhook.rules._words import counted
from webhook.trace.change import BrokenWorkload

NAMED = 2


def affected(same_namespace: tuple[BrokenWorkload, ...], other_namespaces: tuple[BrokenWorkload, ...]) -> str:
    """The workloads of the author's namespace by name, the others as a number per namespace."""
    named = [str(broken.workload) for broken in same_namespace[:NAMED]]
    if len(same_namespace) > NAMED:
        named.append(f"{len(same_namespace) - NAMED} more in {same_namespace[0].workload.namespace}")
    counts = Counter(broken.workload.namespace for broken in other_namespaces)
    ordered = sorted(counts, key=lambda namespace: (-counts[namespace], namespace))
    named += [f"{counted(counts[namespace])} in {namespace}" for namespace in ordered[:NAMED]]
    if len(ordered) > NAMED:
        remaining = sum(counts[namespace] for namespace in ordered[NAMED:])
        named.append(f"{counted(remaining)} in {len(ordered) - NAMED} more namespaces")
    return ", ".join(named)
