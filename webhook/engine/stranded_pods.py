"""Finds running Pods that lack the files at the new paths of a changed DestinationRule.

Injection mounts files at the new paths only in new Pods; running Pods keep their mounts until they are replaced.
"""

from collections.abc import Collection
from posixpath import dirname

from webhook.engine.runner import Hit, weigh
from webhook.istio.injector.merge import absolute
from webhook.kinds.opt_in_annotations import ALSO_MOUNT
from webhook.model.finding import Finding, Violation
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.rules._words import listed
from webhook.trace.managed_entries import own_mounts
from webhook.trace.running_pods import running_pods
from webhook.trace.workload import WorkloadPicture

RULE = "file-not-mounted"
FIX = (
    'first annotate the DestinationRule with {annotation}: "{places}" and keep its paths, restart these workloads, '
    "then change the paths, and remove the annotation last"
)


def stranded_pods(
    before: WorkloadPicture, after: WorkloadPicture, hosts: Collection[str], policy: Policy
) -> tuple[Finding, ...]:
    """The finding for running Pods that have the mounts from before the change, but lack a mount that is needed now.

    hosts: the hosts for which the workload had every file before.
    """
    needed, former = _places(after, hosts), _places(before, hosts)
    if not needed or needed <= former:
        return ()
    pods = running_pods(after.view, after.ref)
    mounted = [{mount.mount_path for mount in own_mounts(pod.template)} for pod in pods]
    lacking = sorted({place for places in mounted if former <= places for place in needed - places})
    if not lacking:
        return ()
    problem = f"running Pods have no mount at {listed(lacking)}, where injection puts the files only of new Pods"
    fix = FIX.format(annotation=ALSO_MOUNT, places=", ".join(lacking))
    violation = Violation(after.ref, after.pod.path, problem, fix)
    return weigh([Hit(catalogue()[RULE], violation)], policy, after.workload.namespace)


def _places(picture: WorkloadPicture, hosts: Collection[str]) -> frozenset[str]:
    """The directories of files for these hosts at which injection mounts."""
    mounted = {mount.mount_path for mount in picture.addition.mounts}
    sets = (files for files, users in picture.groups.items() if any(user.service.host in hosts for user in users))
    places = (dirname(absolute(path)) for files in sets for _, path in files.items())
    return frozenset(place for place in places if place in mounted)
