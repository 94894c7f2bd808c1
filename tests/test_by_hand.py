"""A mount that a person wrote is kept; what the workload opts in to is for the DestinationRules beside it."""

import copy
from typing import Any

import pytest

from tests import worked
from tests.injecting import SECRET, mutation, opted, pod, reading, verdict
from tests.test_inject_fits import SETTINGS, partner
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.view import Snapshot

TWO = {
    "mtls-guard.io/client-secret": SECRET,
    USER_VOLUME: '[{"name":"two","secret":{"secretName":"two"}}]',
    USER_VOLUME_MOUNT: '[{"name":"two","mountPath":"/etc/partner","readOnly":true}]',
}


def aged(manifest: worked.Object, created: str) -> dict[str, Any]:
    """The object in the workload's own namespace, created at that time."""
    made: dict[str, Any] = copy.deepcopy(dict(manifest))
    made["metadata"] |= {"namespace": "devel", "creationTimestamp": created}
    return made


def two_partners(external: str, other: str) -> Snapshot:
    """Two DestinationRules that read files of the same names. external, other: when each was created."""
    settings = {"trafficPolicy": {"tls": {**SETTINGS, **reading("/etc/partner", "cert", "key", "cacert")}}}
    entry, second, _ = partner(settings)
    secret = aged(worked.of_kind("Secret"), external)
    secret["metadata"]["name"] = "two"
    rules = (aged(worked.of_kind("DestinationRule"), external), aged(second, other))
    return worked.cluster(aged(entry, other), *rules, secret, without=("Deployment", "DestinationRule"))


@pytest.mark.parametrize("ages", [("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")[::step] for step in (1, -1)])
def test_secret_goes_to_destinationrule_without_manual_mount(ages: tuple[str, str]) -> None:
    view = two_partners(*ages)
    assert [one.mount_path for one in mutation(pod(TWO), view).addition.mounts] == ["/etc/mtlsfiles"]
    assert verdict(opted(TWO), view).findings == ()
