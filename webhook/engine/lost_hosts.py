"""Finds the files of hosts that a workload loses by a change while other hosts keep working."""

from collections.abc import Collection, Iterator

from webhook.engine.runner import Hit, weigh
from webhook.model.finding import Finding, Violation
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.rules._words import USER_VOLUME_MOUNT, annotation, directories, listed, readers
from webhook.trace.workload import WorkloadPicture

RULE = "file-not-mounted"


def lost_files(picture: WorkloadPicture, hosts: Collection[str], policy: Policy) -> tuple[Finding, ...]:
    """Findings for files that DestinationRules of these hosts refer to and that no mount provides."""
    rule = catalogue()[RULE]
    file_hits = [Hit(rule, violation) for violation in _unmounted(picture, hosts)] if hosts else []
    return weigh(file_hits, policy, picture.workload.namespace) if file_hits else ()


def guessed_hosts(picture: WorkloadPicture) -> frozenset[str]:
    """The hosts for which injection guessed the Secret; a different guess is not a loss."""
    return frozenset(user.service.host for files in picture.addition.guessed for user in picture.groups.get(files, ()))


def _unmounted(picture: WorkloadPicture, hosts: Collection[str]) -> Iterator[Violation]:
    for files, users in picture.groups.items():
        if not files.client_certificate or files in picture.intents:
            continue
        paths = [path for _, path in picture.view.mesh.used(files)]
        lacks = any(picture.sidecar.resolve(path, picture.contents).mount is None for path in paths)
        if lacks and any(user.service.host in hosts for user in users):
            yield Violation(
                picture.ref,
                annotation(picture.pod.path, USER_VOLUME_MOUNT),
                f"no mount of istio-proxy holds {listed(paths, 2)}, which {readers(users)} reads",
                f"mount the Secret at {listed(directories(paths))}",
            )
