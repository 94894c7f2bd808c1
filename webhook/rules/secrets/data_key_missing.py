"""Each file that a DestinationRule reads from a mounted Secret is a data key of that Secret.

## Why

A mounted Secret contains one file per data key, with the name of the data key or the name that `items` assigns. Istio
does not prescribe names for mounted files: for the path `/etc/certs/tls.crt`, the Secret needs the data key `tls.crt`,
and `cert` does not work. A missing file causes HTTP 503 `Secret is not supplied by SDS`. If `items` names a data key
that the Secret lacks, the Pod waits in ContainerCreating.

If a cert-manager Certificate, an ExternalSecret or another object writes the Secret and has not completed it yet, data
keys may be added later, so this rule then only warns.

## Fix

Rename the data key in the Secret, use the existing data key in the path of the DestinationRule, or map it with `items`
in `userVolume`.

## Source

Kubernetes: Secret volumes, data keys and `items` (kubelet, pkg/volume/secret). Seen with real traffic: a missing data
key causes 503, after 15.5 s without readiness.
"""

from collections.abc import Iterator
from posixpath import basename

from webhook.istio.injector.paths import normal
from webhook.model.chain import Chain, FileState
from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._key_fixes import fix_of_keys, keys_of
from webhook.rules._missing import denies, in_istios_mount
from webhook.rules._producers import incomplete
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._words import listed, quote, read_by
from webhook.trace.secret_producers import to_come
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret or ConfigMap that lacks keys which a rule's paths ask for."""
    if picture.user.rejected:
        return
    lost: dict[ObjectRef | None, list[Chain]] = {}
    for chain in picture.chains:
        if chain.file.state is FileState.NO_KEY and not _awaited(chain) and not in_istios_mount(chain):
            lost.setdefault(chain.file.object, []).append(chain)
    for ref, chains in lost.items():
        yield _lacking(picture, ref, chains) if ref is not None else _unmade(picture, chains)


def _awaited(chain: Chain) -> bool:
    """Whether the Pod waits for the key and so never starts, which `item-data-key-missing` tells."""
    source = chain.file.source
    return chain.file.key != "" and source is not None and source.items is not None and not source.optional


def _unmade(picture: WorkloadPicture, chains: list[Chain]) -> Violation:
    """The volume makes no file of that name, whatever keys its Secret has."""
    volume = chains[0].file.volume
    problem = f"{chains[0].file.reason}; {read_by(chains[0])} reads {listed(basename(chain.path) for chain in chains)}"
    return Violation(picture.ref, volume.path if volume is not None else "", problem, _name_it(picture, chains))


def _name_it(picture: WorkloadPicture, chains: list[Chain]) -> str:
    """What to type so that items make the file; exactly, where only one of them is read by nobody."""
    source, file_name = chains[0].file.source, basename(chains[0].path)
    file_names = {basename(chain.path) for chain in picture.chains}
    spare = [item.path for item in (source.items if source else None) or () if basename(item.path) not in file_names]
    if len(chains) == 1 and len(spare) == 1:
        return f'write "path":{quote(file_name)} instead of "path":{quote(spare[0])}, or change the path in the rule'
    return "name the file in items, or write an existing one into the rule's path"


def _lacking(picture: WorkloadPicture, ref: ObjectRef, chains: list[Chain]) -> Violation:
    keys = keys_of(picture, ref)
    missing_keys = tuple(dict.fromkeys(chain.file.key or chain.path.rpartition("/")[2] for chain in chains))
    content = f"it holds {listed(sorted(keys))}" if keys else "it is empty"
    path, problem = f"key {listed(missing_keys)}", f"does not exist ({content}), and {read_by(chains[0])} reads it"
    if to_come(picture.view, ref, missing_keys):
        why, fix = incomplete(picture.view, ref)
        return Violation(ref, path, f"{problem}: {why}", fix, certain=denies(picture, ref))
    return Violation(ref, path, problem, _merged(picture, chains) or fix_of_keys(picture, ref, chains, missing_keys))


def _merged(picture: WorkloadPicture, chains: list[Chain]) -> str:
    """What to type where another mount at the same directory is hidden: its files are there, and nowhere visible."""
    seen = chains[0].file.mount
    mount_path = normal(seen.mount_path) if seen is not None else ""
    at_once = [mount for mount in picture.user_mounts if normal(mount.mount_path) == mount_path]
    return f"mount one projected volume at {mount_path}, with the Secrets of both mounts" if len(at_once) > 1 else ""


RULE = RuleMetadata(
    title="The mounted Secret lacks a data key that the sidecar reads as a file",
    severity=Severity.DENY,
    about="workload",
    over="chains",
    reads=CHAINS | PRODUCERS,
)
