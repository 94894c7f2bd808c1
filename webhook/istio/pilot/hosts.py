"""Host names as Istio compares them: short names, wildcards, and which of several patterns counts.

Leaves to the indexes what stands under a host. Behaviour: Istio 1.31 pilot/pkg/model/config.go and pkg/config/host.
"""

from collections.abc import Collection, Iterable

_FEW = 8


def resolve(host: str, namespace: str, cluster_domain: str) -> str:
    """The full name that a host of an Istio object means: only a name without any dot belongs to the namespace.

    `*` and addresses stay as they are, and so does `partner.egress`, which then matches no Service.
    """
    if not host or "." in host or host == "*" or ":" in host:
        return host
    return f"{host}.{namespace}.svc.{cluster_domain}"


def is_wildcard(host: str) -> bool:
    """Whether the host is a pattern such as `*.example.com` or `*`."""
    return host[:1] == "*"


def matches(pattern: str, host: str) -> bool:
    """Whether the pattern covers the host; `*.example.com` does not cover `example.com`; case counts."""
    if pattern[:1] != "*":
        return pattern == host
    if host[:1] == "*":
        return len(host) >= len(pattern) and host[1:].endswith(pattern[1:])
    return host.endswith(pattern[1:])


def overlaps(host: str, other_host: str) -> bool:
    """Whether one of the two covers the other, as a VirtualService's host is compared with a Sidecar's."""
    return matches(host, other_host) or matches(other_host, host)


def covering(host: str, wildcards: Collection[str]) -> Iterable[str]:
    """The wildcards that cover the host, longest first, without a walk over many of them."""
    if len(wildcards) < _FEW:
        return sorted((one for one in wildcards if matches(one, host)), key=len, reverse=True)
    needle = host[1:] if is_wildcard(host) else host
    found = ("*" + needle[start:] for start in range(len(needle) + 1))
    return (pattern for pattern in found if pattern in wildcards)
