"""The workloads that a change breaks, in words."""

from collections import Counter

from webhook.rules._words import counted
from webhook.trace.change import BrokenWorkload

NAMED = 2


def affected(own: tuple[BrokenWorkload, ...], others: tuple[BrokenWorkload, ...]) -> str:
    """The workloads of the author's namespace by name, the others as a number per namespace."""
    named = [str(one.workload) for one in own[:NAMED]]
    if len(own) > NAMED:
        named.append(f"{len(own) - NAMED} more in {own[0].workload.namespace}")
    counts = Counter(one.workload.namespace for one in others)
    ordered = sorted(counts, key=lambda namespace: (-counts[namespace], namespace))
    named += [f"{counted(counts[namespace])} in {namespace}" for namespace in ordered[:NAMED]]
    if len(ordered) > NAMED:
        named.append(
            f"{counted(sum(counts[one] for one in ordered[NAMED:]))} in {len(ordered) - NAMED} more namespaces"
        )
    return ", ".join(named)
