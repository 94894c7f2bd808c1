"""Each Secret that a mount of the sidecar comes from exists in the workload's namespace.

## Why

A volume can only name a Secret of the Pod's own namespace; there is no way to name one of another. When it is missing,
the Pod stays in ContainerCreating, which `kubectl apply` of the Deployment does not show; with `optional: true` the Pod
starts with an empty directory instead, and every call answers 503.

A Secret that something in the cluster says it will make (a cert-manager Certificate, an ExternalSecret, a SealedSecret)
is expected to come, so this then warns only.

## Fix

Create the Secret in the workload's namespace before the workload, or correct its name in `userVolume`.

## Source

Kubernetes: a Secret volume waits for its Secret unless `optional` is true (kubelet, pkg/volume/secret).
Seen with real traffic: Secret missing or in another namespace, the Pod does not start.
"""

from collections.abc import Iterator
from posixpath import basename

from webhook.model.chain import FileState
from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import Rule
from webhook.model.workload import Source
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._secrets import mounted_sources, secret_ref
from webhook.rules._words import create_secret
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that the sidecar's mounts need and that does not exist."""
    if not picture.complete or not picture.has_sidecar or picture.user.rejected:
        return
    for source in mounted_sources(picture):
        ref = secret_ref(picture, source.name)
        if picture.view.secret(ref.namespace, ref.name) is None and not picture.view.unread(
            ref.kind, ref.namespace, ref.name
        ):
            yield _missing(picture, source, ref)


def _missing(picture: WorkloadPicture, source: Source, ref: ObjectRef) -> Violation:
    effect = "its files will be missing" if source.optional else "the Pod will not start"
    makers = picture.view.producers(ref.namespace, ref.name)
    if makers:
        return Violation(
            ref, "", f"does not exist yet, {effect} until {makers[0].ref} makes it", "wait for it", certain=False
        )
    keys = _keys(picture, ref)
    fix = f"create it: {create_secret(ref, keys)}"
    return Violation(ref, "", f"does not exist, {effect}", fix, certain=bool(keys) or not source.optional)


def _keys(picture: WorkloadPicture, ref: ObjectRef) -> tuple[str, ...]:
    """The keys that the chains want of this Secret; file names where the chain ends at the missing Secret."""
    ended = (chain.file for chain in picture.chains if chain.file.state is FileState.NO_OBJECT)
    return tuple(dict.fromkeys(file.key or basename(file.path) for file in ended if file.object == ref))


RULE = Rule(
    id="secret-missing",
    title="A Secret that the sidecar mounts does not exist in the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    reads=CHAINS | PRODUCERS,
    since="0.1",
    docs=__doc__ or "",
    check=check,
)
