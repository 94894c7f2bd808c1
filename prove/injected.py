"""The injected version of a workload: one annotation of ours in place of Istio's two, which people write by hand."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from prove.completion import template_of
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import CLIENT_SECRET

Object = Mapping[str, Any]
DIRECTORY = "/etc/mtlsfiles"
"""Where the rule of the worked example reads its files."""
SECRET_NAME, NAME = re.compile(r'"secretName"\s*:\s*"([^"]+)"'), re.compile(r'"name"\s*:\s*"([^"]+)"')


def rewritten(workload: Object, *, good: bool) -> Object | None:
    """The workload with `mtls-guard.io/client-secret`, which names the Secrets that its sidecar mounts by hand.

    None where it mounts none by hand, and where what is written by hand is itself what is bad in an example: such a
    version has nothing of the fault any more.
    """
    made: Any = copy.deepcopy(workload)
    template = template_of(made)
    annotations = template["metadata"].get("annotations") or {}
    volumes, mounts = annotations.pop(USER_VOLUME, ""), annotations.pop(USER_VOLUME_MOUNT, "")
    secrets = [*SECRET_NAME.findall(volumes), *_of_pod(template["spec"], NAME.findall(mounts))]
    if not secrets or not (good or _is_plain(volumes, mounts)):
        return None
    annotations[CLIENT_SECRET] = ",".join(secrets)
    return made  # type: ignore[no-any-return]


def _of_pod(spec: Object, mounted: list[str]) -> list[str]:
    """The Secrets of volumes of the pod spec that the annotation mounts."""
    return [
        one["secret"]["secretName"] for one in spec.get("volumes", ()) if one["name"] in mounted and "secret" in one
    ]


def _is_plain(volumes: str, mounts: str) -> bool:
    """Whether one whole Secret is mounted at the directory of the worked example's rule, as it should be."""
    try:
        (volume,), (mount,) = json.loads(volumes), json.loads(mounts)
        secret = {"name": mount["name"], "secret": {"secretName": volume["secret"]["secretName"]}}
    except (ValueError, KeyError, TypeError):
        return False
    place = {"name": secret["name"], "mountPath": DIRECTORY}
    return bool(volume == secret and mount in (place, {**place, "readOnly": True}))
