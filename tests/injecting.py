"""Opted-in variants of the worked example, and what injection makes of them; shared by the tests of injection."""

import copy
from collections.abc import Mapping
from typing import Any

import jsonpatch

from tests import worked
from webhook.engine import judge_workload
from webhook.examples import AT
from webhook.inject import Mutation, mutate
from webhook.kinds.workload import read_workload
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import ObjectRef, Verdict
from webhook.model.printable import sentence
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.view import Snapshot

SECRET = "external-system-mtls-data"
VOLUME_NAME = "mtls-guard-external-system-mtls-data-dbafadf7"
"""Of the volume that injection adds for this Secret, with its usual data keys as file names."""
ASKS: Mapping[str, str] = {"mtls-guard.io/client-secret": SECRET}


def opted(annotations: Mapping[str, str] = ASKS, **spec: Any) -> dict[str, Any]:
    """The worked example's Deployment without its mounts, with these annotations and fields of the pod spec."""
    made: dict[str, Any] = copy.deepcopy(dict(worked.deployment()))
    template = made["spec"]["template"]
    template["metadata"]["annotations"] = {"sidecar.istio.io/inject": "true", **annotations}
    template["spec"].update(spec)
    return made


def pod(annotations: Mapping[str, str] = ASKS, **spec: Any) -> dict[str, Any]:
    """The same as a Pod."""
    template = opted(annotations, **spec)["spec"]["template"]
    metadata = {**template["metadata"], "name": "sample-app", "namespace": "devel"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def rule(paths: Mapping[str, str], name: str = "external-system-dest-rule", **metadata: Any) -> dict[str, Any]:
    """The worked example's DestinationRule with other paths, as {"clientCertificate": "/etc/other/cert"}."""
    made: dict[str, Any] = copy.deepcopy(dict(worked.of_kind("DestinationRule")))
    made["metadata"] |= {"name": name, **metadata}
    made["spec"]["trafficPolicy"]["portLevelSettings"][0]["tls"].update(paths)
    return made


def reading(directory: str, *names: str) -> dict[str, str]:
    """The paths of certificate, key and CA in one directory."""
    fields = ("clientCertificate", "privateKey", "caCertificates")
    return dict(zip(fields, (f"{directory}/{name}" for name in names or ("cert", "key", "cacert")), strict=True))


def mutation(manifest: Mapping[str, Any], view: Snapshot, operation: str = "CREATE") -> Mutation:
    """What injection does to the object."""
    meta = manifest["metadata"]
    ref = ObjectRef(manifest["apiVersion"], manifest["kind"], meta["namespace"], meta["name"])
    return mutate(Request("uid", operation, ref, new=manifest), view, Horizon(AT))


def injected(manifest: Mapping[str, Any], view: Snapshot) -> dict[str, Any]:
    """The object as the API server has it after our patch."""
    operations = copy.deepcopy(list(mutation(manifest, view).operations))
    made: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(manifest), operations)
    return made


def verdict(manifest: Mapping[str, Any], view: Snapshot) -> Verdict:
    """What validation says of the object."""
    workload = read_workload(manifest)
    assert workload is not None
    return judge_workload(workload, view, Policy(), AT)


def lines(found: Verdict) -> list[str]:
    """The findings as people read them, with their rule."""
    return [f"{one.severity} {sentence(one, found.subject)} [{one.rule}]" for one in found.findings]
