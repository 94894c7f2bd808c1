"""The Istio annotations of a workload that mounts files into its sidecar have values that the injector accepts.

## Why

Before it renders the sidecar, the injector validates about a dozen annotations strictly and rejects the Pod if one of
them has an invalid value. The Deployment is accepted, its ReplicaSet gets an event `FailedCreate`, and the old Pods
keep running.

## Fix

Correct the value, or remove the annotation.

## Source

pkg/kube/inject/validate.go, `AnnotationValidation` (Istio 1.31): ports are integers up to 65535 separated by commas, IP
ranges have a prefix length, `proxy.istio.io/config` is YAML.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network

from webhook.istio.injector.proxy_metadata import CONFIG_ANNOTATION, is_readable
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._bypass import EXCLUDED_PORTS, EXCLUDED_RANGES, INCLUDED_RANGES, INTERCEPTION, TRAFFIC
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import annotation, quote
from webhook.trace.workload import WorkloadPicture

BOOLEANS = frozenset(("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"))
READINESS = "readiness.status.sidecar.istio.io/"
PORTS = ("are no port numbers with commas between them", 'write them as "9000,9001"')
RANGES = ("are no ranges with commas between them", 'write them as "10.1.0.0/16,10.2.3.4/32"')
SECONDS = ("is no whole number", "write a number of seconds or tries")


def _number(value: str, limit: int) -> bool:
    return re.fullmatch("[0-9]+", value, re.ASCII) is not None and len(value) < 100 and int(value) < limit


def _ports(value: str) -> bool:
    return not value.strip() or all(_number(port.strip(), 2**16) for port in value.split(","))


def _range(value: str) -> bool:
    try:
        return "/" in value and ip_network(value, strict=False) is not None
    except ValueError:
        return False


def _ranges(value: str) -> bool:
    return not value or all(_range(cidr) for cidr in value.split(","))


Reading = tuple[Callable[[str], bool], str, str]
READINGS: Mapping[str, Reading] = {
    CONFIG_ANNOTATION: (is_readable, "is not YAML of a ProxyConfig", "correct it, or remove it"),
    INTERCEPTION: (
        lambda value: value in ("REDIRECT", "TPROXY", "NONE"),
        "is none of REDIRECT, TPROXY and NONE",
        'write "REDIRECT", or remove it',
    ),
    EXCLUDED_PORTS: (_ports, *PORTS),
    f"{TRAFFIC}excludeInboundPorts": (_ports, *PORTS),
    f"{TRAFFIC}includeInboundPorts": (lambda value: value == "*" or _ports(value), *PORTS),
    EXCLUDED_RANGES: (_ranges, *RANGES),
    INCLUDED_RANGES: (lambda value: value == "*" or _ranges(value), *RANGES),
    "status.sidecar.istio.io/port": (
        lambda value: _number(value.strip(), 2**16),
        "is no port number",
        'write "15021", or remove it',
    ),
    f"{READINESS}initialDelaySeconds": (lambda value: _number(value, 2**32), *SECONDS),
    f"{READINESS}periodSeconds": (lambda value: _number(value, 2**32), *SECONDS),
    f"{READINESS}failureThreshold": (lambda value: _number(value, 2**32), *SECONDS),
    "prometheus.istio.io/merge-metrics": (BOOLEANS.__contains__, "is no boolean", 'write "true" or "false"'),
}
"""By annotation: whether the injector takes the value, and what to say where it does not."""


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per annotation whose value makes the injector refuse the Pod."""
    if not picture.has_sidecar or picture.injection.manual or not (picture.user.present or picture.declaration.any):
        return
    for name, value in picture.pod.annotations.items():
        takes, fact, fix = READINGS.get(name, (None, "", ""))
        if takes is not None and not takes(value):
            path = annotation(picture.pod.path, name)
            yield Violation(picture.ref, path, f"{quote(value)} {fact}; the injector refuses every Pod", fix)


RULE = RuleMetadata(
    title="The injector rejects the Pod because of the value of an Istio annotation",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE,
)
