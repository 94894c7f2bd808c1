"""The versions on which statements of this project are based, and the behaviour that differs between versions.

`rig/parts.py` builds these versions for the tests, and `docs/versions.md` is generated from this module.
"""

from dataclasses import dataclass

ISTIO_BASELINE = "1.31"
ISTIO_COMMIT = "eed52ebb66ad"
"""The commit of 2026-08-27 that `rig/go/istio/go.mod` pins; its VERSION file says ISTIO_BASELINE."""
KUBERNETES_BASELINE, KUBERNETES_MINIMUM = "1.37", "1.30"
ENVOY_BASELINE = "1.40"
HELM_BASELINE, HELM_MINIMUM = "4.3", "3.14"

Minor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PatchFault:
    """A fault of some minor versions of Istio. fixed: the first patch version without it, the same for each minor."""

    minors: tuple[Minor, ...]
    fixed: int
    summary: str
    source: str

    def affects(self, version: tuple[int, ...]) -> bool:
        """Whether a version has the fault; a version without a patch number counts as fixed."""
        return version[:2] in self.minors and len(version) > 2 and version[2] < self.fixed


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """Behaviour that Istio has since a minor version; mtls-guard assumes it, whatever version runs."""

    since: str
    summary: str
    rule: str


ROTATION_MISSED = PatchFault(
    ((1, 29), (1, 30)),
    3,
    "The first renewal of a mounted Secret is noticed, later ones are missed",
    "Istio's release note 59912",
)
DIFFERENCES = (
    VersionDifference("1.21", "`caCertificates` that is not set means the CA certificates of the image", "ca-not-set"),
    VersionDifference("1.21", "A DestinationRule for an `ExternalName` Service has no effect", "host-external-name"),
    VersionDifference("1.24", "DestinationRules of one host are merged only if their `exportTo` allows it", ""),
    VersionDifference(
        "1.24",
        "Certificates of the proxy's metadata do not replace those of hosts outside the mesh",
        "certificate-overridden-by-metadata",
    ),
)
