"""Each file that a DestinationRule in force makes the sidecar read lies under a mount of istio-proxy.

## Why

The paths of a DestinationRule are paths inside the sidecar, not inside the application's container. Istio's agent looks
for them there; what no mount holds it cannot load, and every call answers 503 `Secret is not supplied by SDS`, after
the Pod took 15 seconds longer to become ready. Neither Istio nor Kubernetes compares the two places.

A rule reaches every sidecar that sees its host. So this is said only of a workload that means to use the rule: it
declares so, the rule's workloadSelector picks it, or a mount that provides the files of no rule is meant for this rule
by a second sign. Such signs are the host in variables, arguments or ConfigMaps, and other workloads with the same
Secret; also the own namespace, the Secret's name and a path spelt alike, unless a release tool sends the workload,
whose rule may follow. Without one it is a warning at most.

## Fix

Make the mount's `mountPath` the directory of the rule's paths (annotation `sidecar.istio.io/userVolumeMount` on the
pod template), or write the mounted directory into the rule.

## Source

istio-proxy reads the files itself: security/pkg/nodeagent/cache/secretcache.go, `generateFileSecret` (Istio 1.31).
Seen with real traffic: a wrong mountPath gives 503, and readiness after 15.5 s.
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
    title="A file that the sidecar is told to read lies under none of its mounts",
    severity=Severity.DENY,
    about="workload",
    over="chains",
    reads=CHAINS,
)
