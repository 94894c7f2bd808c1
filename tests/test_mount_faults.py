"""What is wrong with mounts and volumes by structure alone."""

import json
from typing import Any

import pytest

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT, read_user_volumes
from webhook.istio.injector.mount_faults import find_faults
from webhook.istio.injector.proxy_filesystem import sidecar_files
from webhook.kinds.pod_template import read_pod
from webhook.model.chain import Answer, Injection
from webhook.model.mesh import Mesh

SECRET = {"secret": {"secretName": "s"}}
VOLUME = {"name": "c", **SECRET}
MOUNT = {"name": "c", "mountPath": "/c"}
SIDECAR = Injection(Answer.YES, "it is")
SPEC = "spec.template.spec"
NO_TOKEN = {"automountServiceAccountToken": False}
"""A pod into which the API server puts neither volume nor mount."""
Fault = tuple[str, str, bool]


def faults(
    volumes: list[Any] | None = None,
    mounts: list[Any] | None = None,
    spec: dict[str, Any] | None = None,
    injection: Injection = SIDECAR,
) -> list[Fault]:
    """Kind, path in short (`userVolume[0]`), and whether it rejects."""
    written = {USER_VOLUME: json.dumps(volumes or None), USER_VOLUME_MOUNT: json.dumps(mounts or None)}
    pod = read_pod({"metadata": {"annotations": written}, "spec": spec or {}}, "spec.template", "devel")
    found = find_faults(sidecar_files(pod, read_user_volumes(pod), injection, Mesh()))
    short = 'spec.template.metadata.annotations["sidecar.istio.io/'
    return [(one.kind, one.path.removeprefix(short).replace('"]', "", 1), one.rejects) for one in found]


def container(*mounts: dict[str, Any], init: bool = False) -> dict[str, Any]:
    """A pod spec with an istio-proxy of its own."""
    one = {"name": "istio-proxy", "image": "auto", "volumeMounts": list(mounts)}
    return {"initContainers" if init else "containers": [one]}


def test_a_volume_with_its_mount_has_no_fault() -> None:
    assert faults([VOLUME], [MOUNT]) == []


@pytest.mark.parametrize(
    ("volumes", "mounts", "spec", "expected"),
    [
        ([], [MOUNT], {}, [("volume-not-found", "userVolumeMount[0].name", True)]),
        ([], [MOUNT], {"volumes": [VOLUME]}, []),
        ([], [{"name": "istio-envoy", "mountPath": "/c"}], {}, []),
        ([], [{"name": "vault-secrets", "mountPath": "/c"}], {}, []),
        ([VOLUME], [], {}, [("volume-not-mounted", "userVolume[0]", False)]),
        ([VOLUME], [], {"containers": [{"name": "app", "volumeMounts": [MOUNT]}]}, []),
        ([VOLUME], [], container(MOUNT), []),
        (
            [],
            [MOUNT],
            {**container({"name": "p", "mountPath": "/c"}), "volumes": [{"name": "p", **SECRET}]},
            [("mount-path-shadowed", f"{SPEC}.containers[0].volumeMounts[0].mountPath", False)],
        ),
        ([VOLUME, VOLUME], [MOUNT], {}, []),
        (
            [VOLUME, {"name": "c", "secret": {"secretName": "t"}}],
            [MOUNT],
            {},
            [("volume-name-twice", "userVolume[1]", False)],
        ),
        ([VOLUME, VOLUME], [MOUNT], NO_TOKEN, [("volume-name-twice", "userVolume[1]", True)]),
        ([VOLUME, {"name": "c", "emptyDir": {}}], [MOUNT], {}, [("two-sources", "userVolume[1]", True)]),
        ([VOLUME], [MOUNT], {"volumes": [VOLUME]}, []),
        (
            [VOLUME],
            [MOUNT],
            {"volumes": [{"name": "c", "secret": {"secretName": "app"}}]},
            [("application-volume", "userVolume[0]", False)],
        ),
        ([VOLUME], [MOUNT], {"volumes": [{"name": "c", "emptyDir": {}}]}, [("two-sources", "userVolume[0]", True)]),
        ([{"name": "istio-envoy", **SECRET}], [], {}, [("two-sources", "userVolume[0]", True)]),
        ([{"name": "istiod-ca-cert", "configMap": {"name": "m"}}], [], {}, [("istio-volume", "userVolume[0]", False)]),
        ([{"name": "workload-socket", **SECRET}], [], {}, [("reserved-volume", "userVolume[0]", False)]),
        ([{"name": "credential-socket", **SECRET}], [], {}, [("reserved-volume", "userVolume[0]", False)]),
        ([{"name": "workload-certs", **SECRET}], [], {}, [("reserved-volume", "userVolume[0]", False)]),
    ],
)
def test_volumes_and_mounts_have_to_fit_each_other(
    volumes: list[Any], mounts: list[Any], spec: dict[str, Any], expected: list[Fault]
) -> None:
    assert faults(volumes, mounts, spec) == expected


OTHER = {"name": "d", **SECRET}
TWICE = ("mount-path-twice", "userVolumeMount[1].mountPath", True)
SHADOWED = ("mount-path-shadowed", "userVolumeMount[1].mountPath", False)


@pytest.mark.parametrize(
    ("second", "spec", "expected"),
    [
        ({"name": "d", "mountPath": "/c"}, {}, [TWICE]),
        ({"name": "c", "mountPath": "/c"}, {}, [TWICE]),
        ({"name": "d", "mountPath": "/c/"}, {}, [SHADOWED]),
        ({"name": "d", "mountPath": "/c/d"}, {}, []),
        ({"name": "d", "mountPath": "/c"}, container({"name": "d", "mountPath": "/e"}), [SHADOWED]),
        ({"name": "d", "mountPath": "/c"}, container(), [SHADOWED]),
        ({"name": "d", "mountPath": "/c"}, {**container(), **NO_TOKEN}, [TWICE]),
        ({"name": "d", "mountPath": "/etc/istio/proxy"}, {}, [TWICE]),
        (
            {"name": "d", "mountPath": "/etc/istio/proxy/"},
            {},
            [("hides-files", "userVolumeMount[1].mountPath", False)],
        ),
    ],
)
def test_two_mounts_at_one_place(second: dict[str, Any], spec: dict[str, Any], expected: list[Fault]) -> None:
    found = faults([VOLUME, OTHER], [MOUNT, second], spec)
    assert [one for one in found if one[0] != "volume-not-mounted"] == expected


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/etc/ssl/certs", ["hides-files"]),
        ("/etc/ssl", ["hides-files"]),
        ("/etc/ssl/certs/ca-certificates.crt", []),
        ("/etc/ssl/certs/partner", []),
        ("/usr/local", ["hides-files"]),
        ("/etc", ["hides-files", "identity-files"]),
        ("/", ["hides-files", "identity-files", "identity-files"]),
        ("/etc/istio", []),
        ("/etc/istio/proxy/certs", []),
        ("/etc/istio/certs", []),
        ("/var/run/secrets/istio/root-cert.pem", ["hides-files"]),
        ("/etc/certs", ["identity-files"]),
        ("/etc/certs/", ["identity-files"]),
        ("/etc/certs/partner", []),
        ("/var/run/secrets/workload-spiffe-credentials/", ["hides-files", "identity-files"]),
    ],
)
def test_mount_may_hide_proxy_files_or_identity(path: str, kinds: list[str]) -> None:
    assert [kind for kind, _, _ in faults([VOLUME], [{"name": "c", "mountPath": path}])] == kinds


def test_an_own_mount_at_istios_path_hides_it() -> None:
    spec = {**container({"name": "c", "mountPath": "/etc/istio/proxy"}), "volumes": [VOLUME]}
    assert faults(spec=spec) == [("hides-files", f"{SPEC}.containers[0].volumeMounts[0].mountPath", False)]


@pytest.mark.parametrize(
    ("native", "expected"),
    [(True, []), (None, []), (False, [("init-container", f"{SPEC}.initContainers[0]", True)])],
)
def test_istio_proxy_init_container_needs_native_sidecar(native: bool | None, expected: list[Fault]) -> None:
    assert faults(spec=container(init=True), injection=Injection(Answer.YES, "", native=native)) == expected


def test_a_manual_sidecar_may_mount_istios_own_paths() -> None:
    spec = {**container({"name": "istio-envoy", "mountPath": "/etc/istio/proxy"}), "volumes": [VOLUME]}
    assert faults(spec=spec, injection=Injection(Answer.YES, "", honours_annotations=False, manual=True)) == []
