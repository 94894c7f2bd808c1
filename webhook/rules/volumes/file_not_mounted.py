"""Each file that a DestinationRule makes the sidecar read is in a mount of istio-proxy.

## Why

The paths of a DestinationRule are paths in the sidecar, not in the application's container. If no mount provides a
file, Istio's agent cannot load it: the Pod becomes ready 15 seconds later, and every call fails with HTTP 503 `Secret
is not supplied by SDS`. Neither Istio nor Kubernetes compares the paths with the mounts.

A DestinationRule applies to every sidecar that sees its host. This rule therefore denies only workloads that clearly
intend to use the DestinationRule: they declare it, its workloadSelector selects them, or they have a mount that
provides files for no DestinationRule together with further evidence. Such evidence is the host in environment
variables, arguments or ConfigMaps, or other workloads with the same Secret. The same namespace, the name of the Secret
and a similarly spelt path also count, unless a release tool sends the workload, because the matching DestinationRule
may be sent later. Without evidence this rule only warns.

## Fix

Set the mount's `mountPath` to the directory of the paths in the DestinationRule (annotation
`sidecar.istio.io/userVolumeMount` on the pod template), or use the mounted directory in the DestinationRule.

## Source

istio-proxy reads the files itself: security/pkg/nodeagent/cache/secretcache.go, `generateFileSecret` (Istio 1.31). Seen
with real traffic: a wrong mountPath causes 503, and the Pod is ready only after 15.5 s.
"""

from collections.abc import Iterator

from webhook.istio.injector.istio_directories import directory_of_istio
from webhook.model.chain import Chain, FileState
from webhook.model.finding import Severity, Violation
from webhook.model.mesh import FileSet
from webhook.model.rule import RuleMetadata
from webhook.rules._missing import in_istios_mount
from webhook.rules._reads import CHAINS
from webhook.rules._words import USER_VOLUME_MOUNT, annotation, directories, listed, quote, read_by
from webhook.trace.mount_candidates import UnexplainedMount
from webhook.trace.prepared_workloads import prepared_for
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file set whose files no mount holds: at the stray mount, or at the annotation."""
    if picture.user.rejected or picture.addition.impossible or picture.addition.lacking:
        return
    lost: dict[FileSet, list[Chain]] = {}
    for chain in picture.chains:
        if chain.file.state is FileState.NO_MOUNT or in_istios_mount(chain):
            lost.setdefault(chain.files, []).append(chain)
    for files, chains in lost.items():
        strays = (
            candidate for candidate in picture.unexplained_mounts if candidate.evident and candidate.files == files
        )
        stray = next((candidate for candidate in strays if _provides_none(picture, candidate, files)), None)
        yield _stray(picture, stray, chains) if stray is not None else _unmounted(picture, chains)


def _provides_none(picture: WorkloadPicture, stray: UnexplainedMount, files: FileSet) -> bool:
    """Whether no path of the files is below the mount."""
    supply = picture.provided_files.get(files)
    return supply is None or stray.mount not in supply.mounts


def _stray(picture: WorkloadPicture, stray: UnexplainedMount, chains: list[Chain]) -> Violation:
    missing_directories = directories(chain.path for chain in chains)
    return Violation(
        picture.ref,
        f"{stray.mount.path}.mountPath",
        f"{quote(stray.mount.mount_path)} holds no file that {read_by(chains[0])} reads",
        f"mount Secret {quote(stray.secret)} at {listed(missing_directories)}",
    )


def _unmounted(picture: WorkloadPicture, chains: list[Chain]) -> Violation:
    paths, files = [chain.path for chain in chains], chains[0].files
    running = prepared_for(picture.view, files).get(picture.workload.namespace, frozenset())
    return Violation(
        picture.ref,
        annotation(picture.pod.path, USER_VOLUME_MOUNT),
        f"no mount of istio-proxy holds {listed(paths, 2)}, which {read_by(chains[0])} reads",
        _fix(paths),
        certain=picture.ref not in running,  # another webhook mounts the files into its Pods
    )


def _fix(paths: list[str]) -> str:
    """Where to mount the Secret: not in a directory of Istio's."""
    owned = next(filter(None, map(directory_of_istio, paths)), "")
    if owned:
        return f"{quote(owned)} is Istio's own: let the rule read from another directory, and mount the Secret there"
    return f"mount the Secret at {listed(directories(paths))}"


RULE = RuleMetadata(
    title="A file that a DestinationRule names is not mounted into the sidecar",
    severity=Severity.DENY,
    about="workload",
    over="chains",
    reads=CHAINS,
)
