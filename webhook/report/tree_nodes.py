"""The chain of one workload as links: what each says, whether it holds, and the findings that lie at it.

How links are drawn is left to `tree`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from webhook.model.chain import Answer, Miss
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.report.credential_nodes import credential_link
from webhook.report.tree_node import Link, LinkState
from webhook.trace.mount_candidates import UnexplainedMount
from webhook.trace.near_misses import NearMiss
from webhook.trace.workload import WorkloadPicture

T = TypeVar("T")

SHOWN = 20
"""Links of one kind that are drawn: sets of files, rules out of force, idle mounts; what is more is counted."""
_SLIPS = {
    "misplaced": "{names} not on the pod template, where Istio looks",
    "misspelt": "{names} under a name that nobody reads",
    "ignored": "{names} not read by the injection template",
    "unmounted": 'volume "{volume}" mounted by nobody',
    "application-only": 'volume "{volume}" mounted in the application\'s container, not in the sidecar',
}


def links(picture: WorkloadPicture, verdict: Verdict) -> Link:
    """The workload with everything that hangs on it; each finding of the verdict stands at one link."""
    top = Link(LinkState.PLAIN, str(picture.ref))
    top.below.append(_sidecar(picture))
    top.below.extend(_refusals(picture))
    top.below.extend(_some(picture.credentials, partial(credential_link, picture), "sets of files"))
    top.below.extend(_some(picture.misses, _missed, "rules that are not in force"))
    top.below.extend(_some(picture.near_misses, partial(_slip, picture), "near misses"))
    top.below.extend(_some(_idle_mounts(picture), partial(_idle, picture), "idle mounts"))
    if picture.has_sidecar and len(top.below) == 1:
        top.below.append(Link(LinkState.PLAIN, "it means no DestinationRule with a client certificate"))
    for finding in verdict.findings:
        _put(top, finding)
    _sum_up(top)
    return top


def _sidecar(picture: WorkloadPicture) -> Link:
    marks = {Answer.YES: LinkState.HOLDS, Answer.NO: LinkState.BROKEN, Answer.UNKNOWN: LinkState.UNKNOWN}
    answer = picture.injection.answer
    added = "; mtls-guard adds its volumes" if picture.addition else ""
    gateway = "gateway proxy" if picture.injection.gateway else "sidecar"
    return Link(marks[answer], f"{gateway}: {answer}, {picture.injection.reason}{added}")


def _refusals(picture: WorkloadPicture) -> Iterator[Link]:
    """The annotations that keep the Pod from being made, each once."""
    if not picture.user.rejected:
        return
    faults = [fault for fault in picture.annotation_faults if fault.rejects]
    for name in dict.fromkeys(fault.annotation for fault in faults):
        places = tuple((picture.ref, fault.path) for fault in faults if fault.annotation == name)
        yield Link(LinkState.BROKEN, f"annotation {name}: every Pod is refused for it", places)


def _missed(miss: Miss) -> Link:
    """A rule that the workload means, and why it is not in force."""
    text = f"{miss.host or miss.rule.host}: {miss.rule.ref} is not in force: {miss.detail}"
    return Link(LinkState.BROKEN, text, ((miss.rule.ref, ""),))


def _slip(picture: WorkloadPicture, slip: NearMiss) -> Link:
    """What would prepare the sidecar, did it stand in the right place or under the right name."""
    volume = slip.volume.name if slip.volume is not None else ""
    names = f"annotation{'s' if len(slip.names) > 1 else ''} {', '.join(slip.names)}"
    text = _SLIPS[slip.kind].format(names=names, volume=volume)
    return Link(LinkState.BROKEN if slip.files or slip.sure else LinkState.UNKNOWN, text, ((picture.ref, slip.path),))


def _idle_mounts(picture: WorkloadPicture) -> list[UnexplainedMount]:
    """The mounts that are drawn at no file."""
    drawn = {(files, mount) for files, supply in picture.provided_files.items() for mount in supply.mounts}
    return [
        stray for stray in picture.unexplained_mounts if not (stray.evident and (stray.files, stray.mount) in drawn)
    ]


def _idle(picture: WorkloadPicture, stray: UnexplainedMount) -> Link:
    """A mount of a client credential that serves no rule in force."""
    places = ((picture.ref, stray.mount.path),) if stray.mount.path else ()
    of_secret = f' of Secret "{stray.secret}"' if stray.secret else ""
    return Link(
        LinkState.BROKEN, f'mount "{stray.mount.mount_path}"{of_secret}: no rule in force reads a file below it', places
    )


def _some(subjects: Sequence[T], to_link: Callable[[T], Link], noun: str) -> Iterator[Link]:
    """A link for each of the first, and how many more there are."""
    yield from map(to_link, subjects[:SHOWN])
    if len(subjects) > SHOWN:
        yield Link(LinkState.PLAIN, f"and {len(subjects) - SHOWN} more {noun}")


def _put(top: Link, finding: Finding) -> None:
    """Hangs the finding on the link that is most about its place, rather one that is broken, else on the workload."""
    fitting = [
        ((len(prefix), link.mark is LinkState.BROKEN), link)
        for link in top.all()
        for ref, prefix in link.places
        if _about(finding, ref, prefix)
    ]
    link = max(fitting, key=lambda candidate: candidate[0])[1] if fitting else top
    link.findings.append(finding)
    if link is not top and link.mark is not LinkState.BROKEN:
        link.mark = LinkState.BROKEN if finding.severity is Severity.DENY else LinkState.WARNED


def _about(finding: Finding, ref: ObjectRef, prefix: str) -> bool:
    if (finding.object.kind, finding.object.namespace, finding.object.name) != (ref.kind, ref.namespace, ref.name):
        return False
    if ref.kind in ("Secret", "ConfigMap"):
        return finding.path == prefix
    return finding.path.startswith(prefix)


def _sum_up(link: Link) -> LinkState:
    """Takes the tick from a link on which something hangs that does not hold; the mark that it ends with."""
    below = {_sum_up(child) for child in link.below}
    if link.mark is LinkState.HOLDS:
        link.mark = next(
            (mark for mark in (LinkState.BROKEN, LinkState.WARNED, LinkState.UNKNOWN) if mark in below), link.mark
        )
    return link.mark
