"""Names that nearly fit an annotation are recognised, others are let be, and a guess is made only where one fits."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests import worked
from webhook.examples import AT
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import CLIENT_SECRET, DESTINATIONS, INJECT
from webhook.kinds.workload import read_workload
from webhook.model.expiry_horizon import Horizon
from webhook.trace.annotation_names import meant_by
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot

NAMES: Mapping[str, str | None] = {
    "sidecar.istio.io/userVolumes": USER_VOLUME,
    "sidecar.istio.io/uservolume": USER_VOLUME,
    "sidecar.istio.io/userVolumeMounts": USER_VOLUME_MOUNT,
    "sidecar.istio.io/user-volume-mount": USER_VOLUME_MOUNT,
    "sidecar.istio.io/usrVolumeMount": USER_VOLUME_MOUNT,
    "sidecar.istio.io/volumeMounts": USER_VOLUME_MOUNT,
    "istio.io/userVolume": USER_VOLUME,
    "userVolume": USER_VOLUME,
    "mtls-guard.io/client-secrets": CLIENT_SECRET,
    "mtls-guard.io/Client-Secret": CLIENT_SECRET,
    "mtls-guard.io/destination": DESTINATIONS,
    "mtls-guard.io/injection": INJECT,
    "mtlsguard.io/client-secret": CLIENT_SECRET,
    "mtls-guard.io/colour": "",
    USER_VOLUME: None,
    CLIENT_SECRET: None,
    "sidecar.istio.io/proxyImage": None,
    "sidecar.istio.io/inject": None,
    "example.com/volume": None,
    "": None,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_for_what_it_was_meant_to_be(name: str) -> None:
    assert meant_by(name) == NAMES[name]


def picture(template: Mapping[str, Any], *further: str) -> WorkloadPicture:
    """The picture of a Deployment in the worked example, with further hosts whose rules want the same file names."""
    view = Snapshot()
    for one in worked.worked():
        view.put(one)
    for host in further:
        for one in worked.worked():
            if one["kind"] == "ServiceEntry":
                view.put({**one, "metadata": named(one, host), "spec": {**one["spec"], "hosts": [host]}})
            elif one["kind"] == "DestinationRule":
                view.put({**one, "metadata": named(one, host), "spec": {**one["spec"], **elsewhere(host)}})
    deployment = {**worked.deployment(), "spec": {"template": template}}
    workload = read_workload(deployment)
    assert workload is not None
    view.put(deployment)
    return WorkloadPicture(workload, view, Horizon(AT))


def named(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The manifest's metadata under another name."""
    return {**manifest["metadata"], "name": name}


def elsewhere(host: str) -> Mapping[str, Any]:
    """A rule for the host whose files have the usual names in a directory of their own."""
    files = {"clientCertificate": "cert", "privateKey": "key", "caCertificates": "cacert"}
    tls = {"mode": "MUTUAL", **{field: f"/etc/{host}/{name}" for field, name in files.items()}}
    return {"host": host, "trafficPolicy": {"tls": tls}}


APPLICATION = {
    "spec": {
        "containers": [{"name": "sample-app", "volumeMounts": [{"name": "tls", "mountPath": "/certs"}]}],
        "volumes": [{"name": "tls", "secret": {"secretName": "external-system-mtls-data"}}],
    }
}


def test_application_secret_is_named_for_one_match() -> None:
    assert [one.kind for one in picture(APPLICATION).near_misses] == ["application-only"]


def test_application_secret_is_not_guessed_for_two_matches() -> None:
    assert picture(APPLICATION, "other.system.com").near_misses == ()


def test_unmounted_credential_is_certain_only_for_one_match() -> None:
    volume = '[{"name":"client","secret":{"secretName":"external-system-mtls-data"}}]'
    template = {"metadata": {"annotations": {USER_VOLUME: volume}}}
    found = picture(template, "other.system.com").near_misses
    assert [(one.kind, one.sure, one.files) for one in found] == [("unmounted", True, ())]
