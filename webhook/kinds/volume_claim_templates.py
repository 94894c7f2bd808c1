"""Reads the `volumeClaimTemplates` of a StatefulSet: each is a volume of its Pods, in place of one of the same name.

Source: pkg/controller/statefulset/stateful_set_utils.go, `updateStorage` (Kubernetes 1.37).
"""

from dataclasses import replace

from webhook.kinds.list_limits import entries
from webhook.model.raw_object import Manifest, dig, text
from webhook.model.workload import PodTemplate, Source, Volume

_FIELD = "spec.volumeClaimTemplates"


def with_claims(pod: PodTemplate, manifest: Manifest) -> PodTemplate:
    """The pod as the StatefulSet controller makes it: with a volume for each claim template."""
    claims = tuple(
        Volume(name, (Source("persistentVolumeClaim"),), f"{_FIELD}[{index}]")
        for index, entry in enumerate(entries(dig(manifest, "spec", "volumeClaimTemplates")))
        if (name := text(dig(entry, "metadata", "name")))
    )
    if not claims:
        return pod
    names = {claim.name for claim in claims}
    remaining = tuple(volume for volume in pod.volumes if volume.name not in names)
    replaced = tuple(volume for volume in pod.volumes if volume.name in names)
    return replace(pod, volumes=(*remaining, *claims), replaced=replaced)
