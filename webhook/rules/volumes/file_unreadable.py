"""istio-proxy has permission to read each file that a DestinationRule names.

## Why

Istio's agent runs as user 1337, and the files of a Secret volume belong to root. `defaultMode` and `items[].mode` are
decimal in JSON: 256 is 0400, 384 is 0600, and 400 is 0620. Without `fsGroup`, the agent cannot read files with such
modes (`permission denied`), and every call fails with HTTP 503.

## Fix

Remove `defaultMode` (default 0644), set it to 292 (0444), or set `spec.template.spec.securityContext.fsGroup`.

## Source

The injection template runs istio-proxy as user 1337 and has set no fsGroup since 1.8; kubernetes/kubernetes issue
57923. Seen with real traffic: defaultMode 256 causes `permission denied`, and 503.
"""

from collections.abc import Iterator
from posixpath import basename

from webhook.model.chain import Chain, FileState
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Volume
from webhook.rules._reads import CHAINS
from webhook.rules._words import listed, read_by
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per volume that holds files which istio-proxy cannot read."""
    by_volume: dict[str, list[Chain]] = {}
    for chain in picture.chains:
        if chain.file.state is FileState.UNREADABLE and chain.file.volume is not None:
            by_volume.setdefault(chain.file.volume.name, []).append(chain)
    for chains in by_volume.values():
        volume = chains[0].file.volume
        if volume is not None:
            yield _unreadable(picture, volume, chains)


def _unreadable(picture: WorkloadPicture, volume: Volume, chains: list[Chain]) -> Violation:
    mode = chains[0].file.mode
    mode_text = f"mode {mode} (decimal) is {mode:04o}" if mode is not None else "its mode"
    files = [basename(chain.path) for chain in chains]
    return Violation(
        picture.ref,
        volume.path,
        f"{mode_text}: istio-proxy cannot read {listed(files)}, which {read_by(chains[0])} reads",
        "remove defaultMode, or write 292 (0444)",
    )


RULE = RuleMetadata(
    title="istio-proxy has no permission to read a mounted file",
    severity=Severity.DENY,
    about="workload",
    over="chains",
    reads=CHAINS,
)
