"""A manually written mount of the files for which a workload opts in uses the Secret that the annotation names.

## Why

mtls-guard keeps volumes and mounts that were written manually: if one of them provides the path of the DestinationRule,
injection adds nothing. If its volume uses another Secret than `mtls-guard.io/client-secret` names, the sidecar presents
the certificate of that other Secret, and changing the annotation has no effect.

## Fix

Remove the mount and its volume, so that injection mounts the Secret that the annotation names, or name the mounted
Secret in the annotation. If the opt-in is for another host, name the host in `mtls-guard.io/destinations`.

## Source

Injection by mtls-guard, see docs/injection.md. Volumes that it added itself have names that begin with `mtls-guard-`
and are updated when the annotation changes.
"""

from collections.abc import Iterator
from posixpath import dirname

from webhook.kinds.opt_in_annotations import CLIENT_SECRET
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Mount
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import listed, quote
from webhook.trace.manual_mounts import by_hand
from webhook.trace.secret_choice import choose
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount of a person that brings files from a Secret that nobody names for them."""
    if picture.user.rejected or not picture.has_sidecar:
        return
    seen: set[str] = set()
    for chosen in choose(picture).chosen:
        named = chosen.request.secrets
        paths = [path for _, path in chosen.request.files.items()]
        for mount, secret in filter(None, (by_hand(picture, path) for path in paths)):
            if mount.path not in seen and secret not in named:
                seen.add(mount.path)
                yield _violation(picture, mount, secret, named)


def _violation(picture: WorkloadPicture, mount: Mount, secret: str, named: tuple[str, ...]) -> Violation:
    at = dirname(mount.mount_path) if mount.sub_path else mount.mount_path
    contradiction = (
        f"the opt-in names {listed(named)}, and {quote(at)} is mounted from Secret {quote(secret)}, which is kept"
    )
    fix = f"remove this mount and its volume, or write {quote(secret)} into {CLIENT_SECRET}"
    return Violation(picture.ref, f"{mount.path}.mountPath", contradiction, fix, certain=False)


RULE = RuleMetadata(
    title="A manually written mount uses another Secret than the workload's opt-in annotation names",
    severity=Severity.WARN,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
