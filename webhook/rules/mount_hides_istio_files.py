"""A mount of the sidecar stands in a directory of its own, not over files of Istio.

## Why

A mount hides what the image or Istio has at that place. Over `/etc/istio/proxy` the agent cannot write its
configuration, over `/var/run/secrets/...` it loses its identity, over `/usr/local/bin` there is no proxy: the Pod
never becomes ready. Over `/etc/ssl/certs` the public CAs are gone; that is sometimes wanted, so it warns.

## Fix

Mount at a directory that nobody uses, as `/etc/mtlsfiles`, and write that into the DestinationRule.

## Source

The mounts of Istio's injection template, and docker/Dockerfile.base (Istio 1.32).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import Rule
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture

REPLACEABLE = ("/etc/ssl/certs/", "/var/lib/istio/envoy/")
"""Files that a team may replace knowingly: its own CAs, its own bootstrap."""


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount that covers files of Istio or its image."""
    for fault in mount_faults(picture, "hides-files"):
        certain = not all(path.startswith(REPLACEABLE) for path in fault.files)
        fix = "mount it at a directory of its own, as /etc/mtlsfiles"
        yield Violation(picture.ref, fault.path, fault.detail, fix, certain=certain)


RULE = Rule(
    id="mount-hides-istio-files",
    title="A mount hides files that the sidecar itself needs",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
    since="0.1",
    docs=__doc__ or "",
    check=check,
)
