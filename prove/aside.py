"""Our webhook beside Istio, installed by our chart; and how it is got out of the way of what is done in its cluster.

Requests of one user meet none of our validating entries: each of them has one condition more than the chart's. All
others meet them as they are, and Pods that opt in to injection meet that, whoever creates them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from rig.control_plane import ControlPlane
from rig.installation import NAME, NAMESPACE, Installation, installed
from rig.waiting import until

NOBODY_ASKED = "nobody-asked"
AS_NOBODY_ASKED = (f"--as={NOBODY_ASKED}", "--as-group=system:masters")
"""What kubectl says so that we are not asked."""
CONDITION = {"name": "somebody-asked", "expression": f"request.userInfo.username != '{NOBODY_ASKED}'"}
VALUES = {"replicas": 1}
SECONDS = 60


@contextmanager
def ours(cluster: ControlPlane) -> Iterator[None]:
    """Our chart, until it enforces and lets `AS_NOBODY_ASKED` pass.

    Raises:
        PartMissing: Helm is neither here nor can it be built, or Pods cannot run on this machine.
    """
    with installed(cluster, VALUES) as found:
        _excuse(cluster, NAME)
        name = f"{NAME}-entries"
        held = cluster.get("configmap", name, "-n", NAMESPACE)
        entries = yaml.safe_load(held["data"]["enforcing.yaml"])
        changed = {"data": {"enforcing.yaml": yaml.safe_dump(excused(entries))}}
        cluster.kubectl("patch", "configmap", name, "-n", NAMESPACE, "--type=merge", "-p", json.dumps(changed))
        until(lambda: _lets_pass(cluster, found), "the leader has brought the entries to what they shall be", SECONDS)
        yield


def _excuse(cluster: ControlPlane, name: str) -> None:
    """Adds the condition to the entries of a configuration that the chart itself keeps."""
    changed = excused(cluster.get("validatingwebhookconfiguration", name))
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps(changed))


def excused(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the condition in each entry that has rules."""
    entries = [
        {**one, "matchConditions": [*one.get("matchConditions", ()), CONDITION]} if one.get("rules") else one
        for one in configuration["webhooks"]
    ]
    return {**configuration, "webhooks": entries}


def _lets_pass(cluster: ControlPlane, found: Installation) -> bool:
    """Whether the entries that enforce have it, and still enforce."""
    entries = cluster.get("validatingwebhookconfiguration", f"{NAME}-enforcing")["webhooks"]
    return all(CONDITION in one["matchConditions"] for one in entries) and found.policies() == {"Fail"}
