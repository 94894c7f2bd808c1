"""The status of a Pod, as the kubelet writes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def status_of(
    pod: Mapping[str, Any], phase: str, state: Mapping[str, Any], restarts: int, *, ready: bool
) -> dict[str, Any]:
    """The status of a Pod on our node. state: of its container, as `{"running": {}}`."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    container = pod["spec"]["containers"][0]
    conditions = {"PodScheduled": True, "Initialized": True, "ContainersReady": ready, "Ready": ready}
    return {
        "phase": phase,
        "hostIP": "127.0.0.1",
        "podIP": pod["status"]["podIP"],
        "podIPs": [{"ip": pod["status"]["podIP"]}],
        "startTime": pod["metadata"]["creationTimestamp"],
        "conditions": [
            {"type": kind, "status": str(value), "lastTransitionTime": now} for kind, value in conditions.items()
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": container["image"],
                "ready": ready,
                "started": "running" in state,
                "restartCount": restarts,
                "state": {"running": {"startedAt": now}} if "running" in state else state,
            }
        ],
    }
