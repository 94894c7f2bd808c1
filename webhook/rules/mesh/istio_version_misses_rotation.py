"""The Istio version of the sidecar notices every rotation of a mounted certificate.

## Why

Istio 1.29.0 to 1.29.2 and 1.30.0 to 1.30.2 notice the first renewal of a mounted Secret but none of the later ones. The
sidecar then presents the old certificate until it expires, although the Secret contains a new one.

## Fix

Update Istio to 1.29.3, 1.30.3 or later. Until then, restart the Pods after each renewal.

## Source

Istio's release note 59912 (1.29.3, 1.30.3).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.versions import ROTATION_MISSED
from webhook.model.workload import PROXY
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, where the sidecar's version is known and it reads mounted files."""
    version = _version(picture)
    if ROTATION_MISSED.affects(version) and picture.chains:
        version_text = ".".join(str(part) for part in version)
        fixed = f"{version[0]}.{version[1]}.{ROTATION_MISSED.fixed}"
        problem = (
            f"its sidecar is Istio {version_text}, which misses the second and later rotations of mounted certificates"
        )
        fix = f"update Istio to {fixed} or later, or restart the Pods after each renewal"
        yield Violation(picture.ref, picture.pod.path, problem, fix)


def _version(picture: WorkloadPicture) -> tuple[int, ...]:
    """As the image of istio-proxy says it, else as the mesh does; empty when neither does."""
    image = picture.pod.annotations.get("sidecar.istio.io/proxyImage", "")
    proxy = picture.pod.container(PROXY) if not image else None
    if proxy is not None and proxy.image not in ("", "auto"):
        image = proxy.image
    return _tag(image) if image else picture.view.mesh.version or ()


def _tag(image: str) -> tuple[int, ...]:
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2].partition("-")[0]
    parts = tag.split(".")
    is_version = all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts)
    return tuple(int(part) for part in parts) if is_version else ()


RULE = RuleMetadata(
    title="This Istio version does not notice later rotations of the certificate",
    severity=Severity.WARN,
    about="workload",
    reads=CHAINS,
)
