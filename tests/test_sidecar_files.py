"""What istio-proxy finds at a path: mounts, volumes, sources, keys, modes, and what hides what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT, read_user_volumes
from webhook.istio.injector.defaults import SIDECAR_MOUNTS
from webhook.istio.injector.mount_faults import find_faults
from webhook.istio.injector.proxy_filesystem import SidecarFiles, sidecar_files
from webhook.istio.injector.proxy_metadata import client_files, output_certs
from webhook.kinds.pod_template import read_pod
from webhook.model.chain import Answer, FileState, Injection, ResolvedFile
from webhook.model.finding import ObjectRef
from webhook.model.material import Material
from webhook.model.mesh import Mesh
from webhook.model.workload import Mount, Source, Volume

PEM = Material("pem")
SECRET = {"secret": {"secretName": "s"}}
SIDECAR = Injection(Answer.YES, "it is")
GATEWAY = Injection(Answer.YES, "it is", templates=("gateway",), gateway=True, honours_annotations=False)
MANUAL = Injection(Answer.YES, "it is", honours_annotations=False, manual=True)
VOLUME_PATH = f'spec.template.metadata.annotations["{USER_VOLUME}"]'
MOUNT_PATH = f'spec.template.metadata.annotations["{USER_VOLUME_MOUNT}"]'


@dataclass(frozen=True)
class Held:
    """Secrets and ConfigMaps of one namespace by kind and name."""

    objects: Mapping[tuple[str, str], Mapping[str, Material]] = field(
        default_factory=lambda: {
            ("secret", "s"): {"cert": PEM, "key": PEM, "ca.crt": PEM},
            ("configMap", "m"): {"ca.crt": PEM},
        }
    )
    complete: bool = True
    namespace: str = "devel"

    def keys(self, kind: str, name: str) -> Mapping[str, Material] | None:
        return self.objects.get((kind, name))

    def unread(self, kind: str, name: str) -> str:  # noqa: ARG002  # as the protocol has it
        return "" if self.complete else "is not in the input"


HELD = Held()
PARTIAL = Held({}, complete=False)


def sidecar(
    volumes: Any = None,
    mounts: Any = None,
    spec: dict[str, Any] | None = None,
    injection: Injection = SIDECAR,
    annotations: Mapping[str, str] | None = None,
) -> SidecarFiles:
    """The files of a pod with these two annotations, and with further ones."""
    written = dict(annotations or {})
    written |= {USER_VOLUME: json.dumps(volumes)} if volumes is not None else {}
    written |= {USER_VOLUME_MOUNT: json.dumps(mounts)} if mounts is not None else {}
    pod = read_pod({"metadata": {"annotations": written}, "spec": spec or {}}, "spec.template", "devel")
    return sidecar_files(pod, read_user_volumes(pod), injection, Mesh())


def at(source: dict[str, Any], mount: dict[str, Any] | None = None, **more: Any) -> SidecarFiles:
    """One user volume `c` of this source, mounted at /c with these further fields."""
    return sidecar([{"name": "c", **source}], [{"name": "c", "mountPath": "/c", **(mount or {})}], **more)


def state(files: SidecarFiles, path: str, held: Held = HELD) -> FileState:
    """The state of one path."""
    return files.resolve(path, held).state


def test_a_file_of_a_secret_is_followed_from_the_path_to_the_key() -> None:
    source = Source("secret", "s")
    assert at(SECRET).resolve("/c/cert", HELD) == ResolvedFile(
        "/c/cert",
        FileState.PRESENT,
        Mount("c", "/c", path=f"{MOUNT_PATH}[0]"),
        Volume("c", (source,), f"{VOLUME_PATH}[0]"),
        source,
        ObjectRef("v1", "Secret", "devel", "s"),
        "cert",
        PEM,
        420,
        "",
    )


def test_a_missing_key_is_named_with_the_keys_there_are() -> None:
    found = at(SECRET).resolve("/c/tls.crt", HELD)
    assert (found.state, found.key, found.object, found.reason) == (
        FileState.NO_KEY,
        "tls.crt",
        ObjectRef("v1", "Secret", "devel", "s"),
        'Secret devel/s has no key "tls.crt", but "ca.crt", "cert", "key"',
    )


ITEMS = [{"key": "cert", "path": "tls/client.pem", "mode": 256}, {"key": "nope", "path": "key"}]
PROJECTED = {
    "projected": {
        "sources": [
            {"secret": {"name": "s", "items": [{"key": "cert", "path": "cert"}]}},
            {"configMap": {"name": "m"}},
            {"serviceAccountToken": {"path": "token"}},
            {"secret": {"name": "late", "optional": True}},
        ]
    }
}


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        (SECRET, "/c/cert", FileState.PRESENT),
        (SECRET, "/c/..data/cert", FileState.PRESENT),
        (SECRET, "/c/Cert", FileState.NO_KEY),
        (SECRET, "/c/cert ", FileState.NO_KEY),
        (SECRET, "/c/a/cert", FileState.NO_KEY),
        (SECRET, "/c", FileState.DIRECTORY),
        (SECRET, "/c/", FileState.DIRECTORY),
        (SECRET, "/c/cert/", FileState.DIRECTORY),
        ({"secret": {"secretName": "other"}}, "/c/cert", FileState.NO_OBJECT),
        ({"secret": {"secretName": "other", "optional": True}}, "/c/cert", FileState.NO_OBJECT),
        ({"secret": {"secretName": "s", "items": ITEMS}}, "/c/tls/client.pem", FileState.UNREADABLE),
        ({"secret": {"secretName": "s", "items": ITEMS}}, "/c/tls", FileState.DIRECTORY),
        ({"secret": {"secretName": "s", "items": ITEMS}}, "/c/cert", FileState.NO_KEY),
        ({"secret": {"secretName": "s", "items": ITEMS}}, "/c/key", FileState.NO_KEY),
        ({"secret": {"secretName": ""}}, "/c/cert", FileState.NO_SOURCE),
        ({"configMap": {"name": "m"}}, "/c/ca.crt", FileState.PRESENT),
        ({"configMap": {"name": "s"}}, "/c/ca.crt", FileState.NO_OBJECT),
        (PROJECTED, "/c/cert", FileState.PRESENT),
        (PROJECTED, "/c/ca.crt", FileState.PRESENT),
        (PROJECTED, "/c/token", FileState.UNKNOWN),
        (PROJECTED, "/c/key", FileState.NO_OBJECT),
        ({"projected": {"sources": []}}, "/c/key", FileState.NO_KEY),
        ({"downwardAPI": {"items": [{"path": "labels"}]}}, "/c/labels", FileState.UNKNOWN),
        ({"downwardAPI": {"items": [{"path": "labels"}]}}, "/c/cert", FileState.NO_KEY),
        ({"emptyDir": {}}, "/c/cert", FileState.NO_SOURCE),
        ({}, "/c/cert", FileState.NO_SOURCE),
        ({"secrets": {"secretName": "s"}}, "/c/cert", FileState.NO_SOURCE),
        ({"csi": {"driver": "d"}}, "/c/cert", FileState.UNKNOWN),
        ({"persistentVolumeClaim": {"claimName": "p"}}, "/c/cert", FileState.UNKNOWN),
        ({"hostPath": {"path": "/p"}}, "/c/cert", FileState.UNKNOWN),
        ({"ephemeral": {}}, "/c/cert", FileState.UNKNOWN),
        ({"nfs": {"server": "n", "path": "/"}}, "/c/cert", FileState.UNKNOWN),
    ],
)
def test_each_source_answers_for_the_paths_under_its_mount(
    source: dict[str, Any], path: str, expected: FileState
) -> None:
    assert state(at(source), path) is expected


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        (SECRET, "/c/cert", FileState.NOT_IN_INPUT),
        ({"secret": {"secretName": "s", "defaultMode": 256}}, "/c/cert", FileState.UNREADABLE),
        ({"secret": {"secretName": "s", "items": ITEMS}}, "/c/cert", FileState.NO_KEY),
        (PROJECTED, "/c/cert", FileState.NOT_IN_INPUT),
        (PROJECTED, "/c/token", FileState.UNKNOWN),
    ],
)
def test_a_partial_view_says_only_what_the_structure_proves(
    source: dict[str, Any], path: str, expected: FileState
) -> None:
    assert state(at(source), path, PARTIAL) is expected


@pytest.mark.parametrize(
    ("mount", "path", "expected"),
    [
        ({"mountPath": "/c/client.pem", "subPath": "cert"}, "/c/client.pem", FileState.PRESENT),
        ({"mountPath": "/c/client.pem", "subPath": "cert"}, "/c/client.pem/cert", FileState.BEHIND_SUB_PATH),
        ({"mountPath": "/c/client.pem", "subPath": "cert"}, "/c", FileState.DIRECTORY),
        ({"mountPath": "/c/client.pem", "subPath": "typo"}, "/c/client.pem", FileState.DIRECTORY),
        ({"mountPath": "/c/client.pem", "subPath": "typo"}, "/c/client.pem/x", FileState.BEHIND_SUB_PATH),
        ({"subPathExpr": "$(POD_NAME)"}, "/c/cert", FileState.UNKNOWN),
        ({"mountPath": "/c/x", "subPathExpr": "cert"}, "/c/x", FileState.PRESENT),
        ({"mountPath": "c"}, "/c/cert", FileState.PRESENT),
        ({"mountPath": "/c/"}, "/c/cert", FileState.PRESENT),
        ({"mountPath": "//c/./d/.."}, "/c/cert", FileState.PRESENT),
        ({"mountPath": "/c"}, "c/cert", FileState.PRESENT),
        ({"mountPath": "/c"}, "/c//./x/../cert", FileState.PRESENT),
        ({"mountPath": "/c"}, "/cc/cert", FileState.NO_MOUNT),
    ],
)
def test_a_mount_is_a_place_in_the_file_system(mount: dict[str, Any], path: str, expected: FileState) -> None:
    assert state(at(SECRET, mount), path) is expected


def test_a_directory_of_items_can_be_mounted_by_sub_path() -> None:
    source = {"secret": {"secretName": "s", "items": [{"key": "cert", "path": "tls/client.pem"}]}}
    assert state(at(source, {"subPath": "tls"}), "/c/client.pem") is FileState.PRESENT


def test_relative_path_starts_at_working_directory() -> None:
    spec = {"containers": [{"name": "istio-proxy", "image": "auto", "workingDir": "/c"}]}
    assert [state(at(SECRET, spec=spec), path) for path in ("cert", "c/cert")] == [FileState.PRESENT, FileState.NO_KEY]


def test_the_deepest_mount_wins_and_the_last_of_equal_ones() -> None:
    volumes = [{"name": "c", **SECRET}, {"name": "m", "configMap": {"name": "m"}}]
    nested = sidecar(volumes, [{"name": "c", "mountPath": "/c"}, {"name": "m", "mountPath": "/c/ca"}])
    equal = sidecar(volumes, [{"name": "c", "mountPath": "/c"}, {"name": "m", "mountPath": "/c/"}])
    assert [nested.place("/c/ca/x").rest, nested.place("/c/cax").rest] == ["x", "cax"]
    assert [one.mount.name if one.mount else "" for one in (nested.place("/c/ca/x"), equal.place("/c/x"))] == ["m", "m"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/ssl/certs/ca-certificates.crt", FileState.BUILT_IN),
        ("/etc/ssl/certs/some.pem", FileState.UNKNOWN),
        ("/etc/ssl/certs", FileState.DIRECTORY),
        ("/var/run/secrets/istio/root-cert.pem", FileState.BUILT_IN),
        ("/var/run/secrets/istio/cert-chain.pem", FileState.NO_KEY),
        ("/var/run/secrets/istio/crl/ca-crl.pem", FileState.BUILT_IN),
        ("/var/run/secrets/tokens/istio-token", FileState.BUILT_IN),
        ("/var/run/secrets/kubernetes.io/serviceaccount/token", FileState.BUILT_IN),
        ("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", FileState.BUILT_IN),
        ("/etc/istio/pod/labels", FileState.BUILT_IN),
        ("/etc/istio/pod/annotations", FileState.BUILT_IN),
        ("/etc/istio/proxy/envoy-rev.json", FileState.BUILT_IN),
        ("/etc/istio/proxy/cert.pem", FileState.NO_SOURCE),
        ("/var/lib/istio/data/cert.pem", FileState.NO_SOURCE),
        ("/var/lib/istio/envoy/envoy_bootstrap_tmpl.json", FileState.BUILT_IN),
        ("/var/run/secrets/workload-spiffe-uds/socket", FileState.BUILT_IN),
        ("/var/run/secrets/credential-uds/socket", FileState.NO_SOURCE),
        ("/var/run/secrets/workload-spiffe-credentials/cert-chain.pem", FileState.NO_SOURCE),
        ("/var/run/secrets/workload-spiffe-credentials/certificates.pem", FileState.UNKNOWN),
        ("/etc/certs/cert-chain.pem", FileState.NO_MOUNT),
        ("/etc/certs/key.pem", FileState.NO_MOUNT),
        ("/etc/certs/root-cert.pem", FileState.NO_MOUNT),
        ("/etc/istio/custom-bootstrap/x.json", FileState.NO_MOUNT),
        ("/etc/istio", FileState.DIRECTORY),
        ("/", FileState.DIRECTORY),
        ("", FileState.DIRECTORY),
        ("/SYSTEM", FileState.NO_MOUNT),
    ],
)
def test_a_plain_sidecar_holds_what_istio_and_its_image_bring(path: str, expected: FileState) -> None:
    assert state(sidecar(), path) is expected


def test_mesh_crl_is_uncertain_unless_default() -> None:
    files = sidecar()
    files.mesh = Mesh(crl_in_every_sidecar=False)
    assert state(files, "/var/run/secrets/istio/crl/ca-crl.pem") is FileState.UNKNOWN


def test_without_automount_there_is_no_service_account() -> None:
    files = sidecar(spec={"automountServiceAccountToken": False})
    assert state(files, "/var/run/secrets/kubernetes.io/serviceaccount/token") is FileState.NO_MOUNT


def test_a_custom_bootstrap_is_a_config_map() -> None:
    files = sidecar(annotations={"sidecar.istio.io/bootstrapOverride": "m"})
    assert state(files, "/etc/istio/custom-bootstrap/ca.crt") is FileState.PRESENT


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.example.com/istio/proxyv2:1.31.0", FileState.NO_MOUNT),
        ("proxyv2@sha256:0", FileState.NO_MOUNT),
        ("registry.example.com:5000/own-proxy:1", FileState.UNKNOWN),
    ],
)
def test_an_image_of_ones_own_may_hold_files(image: str, expected: FileState) -> None:
    assert state(sidecar(annotations={"sidecar.istio.io/proxyImage": image}), "/baked/cert") is expected


@pytest.mark.parametrize(
    ("other", "expected"), [("c", FileState.UNKNOWN), ("d", FileState.NO_SOURCE), (None, FileState.NO_SOURCE)]
)
def test_empty_dir_is_unknown_if_shared(other: str | None, expected: FileState) -> None:
    mounts = [{"name": other, "mountPath": "/out"}] if other else []
    spec = {"initContainers": [{"name": "fetch", "volumeMounts": mounts}]}
    assert state(at({"emptyDir": {}}, spec=spec), "/c/cert") is expected


CONFIG = "proxyMetadata:\n  OUTPUT_CERTS: /c\n"


@pytest.mark.parametrize(
    ("path", "config", "expected"),
    [
        ("/c/key.pem", CONFIG, FileState.BUILT_IN),
        ("/c/cert-chain.pem", CONFIG, FileState.BUILT_IN),
        ("/c/root-cert.pem", '{"proxy_metadata": {"OUTPUT_CERTS": "c/"}}', FileState.BUILT_IN),
        ("/c/other.pem", CONFIG, FileState.NO_SOURCE),
        ("/c/key.pem", "proxyMetadata: [", FileState.NO_SOURCE),
        ("/c/key.pem", "concurrency: 2", FileState.NO_SOURCE),
    ],
)
def test_output_certs_are_written_into_an_empty_dir(path: str, config: str, expected: FileState) -> None:
    assert state(at({"emptyDir": {}}, annotations={"proxy.istio.io/config": config}), path) is expected


def test_pod_metadata_overrides_mesh_and_env_overrides_both() -> None:
    mesh = Mesh(proxy_metadata={"OUTPUT_CERTS": "/mesh", "ISTIO_META_TLS_CLIENT_KEY": "/mesh/key"})
    env = [{"name": "ISTIO_META_TLS_CLIENT_CERT_CHAIN", "value": "/own/cert"}]
    template = {
        "metadata": {"annotations": {"proxy.istio.io/config": CONFIG}},
        "spec": {"containers": [{"name": "istio-proxy", "env": env}]},
    }
    pod = read_pod(template, "spec.template", "devel")
    bare = read_pod({}, "", "devel")
    assert (output_certs(pod, mesh), client_files(pod, mesh), output_certs(bare, mesh)) == (
        "/c",
        ("/own/cert", "/mesh/key", ""),
        "/mesh",
    )


@pytest.mark.parametrize(
    ("mode", "pod", "container", "annotations", "readable"),
    [
        (420, {}, None, {}, True),
        (292, {}, None, {}, True),
        (256, {}, None, {}, False),
        (384, {}, None, {}, False),
        (288, {}, None, {}, False),
        (416, {}, None, {}, False),
        (400, {}, None, {}, False),
        (256, {"fsGroup": 1337}, None, {}, True),
        (256, {"runAsUser": 0}, None, {}, False),
        (256, {}, {"runAsUser": 0}, {}, True),
        (4, {}, {"runAsUser": 0}, {}, False),
        (288, {}, {"runAsGroup": 0}, {}, True),
        (256, {}, None, {"sidecar.istio.io/interceptionMode": "TPROXY"}, True),
        (256, {}, {"runAsUser": 2000}, {"sidecar.istio.io/interceptionMode": "TPROXY"}, True),
        (256, {}, None, {"sidecar.istio.io/capNetBindService": "true"}, True),
        (256, {}, None, {"sidecar.istio.io/capNetBindService": "yes"}, False),
    ],
)
def test_a_mode_keeps_the_proxy_out_or_not(
    mode: int, pod: dict[str, Any], container: dict[str, Any] | None, annotations: dict[str, str], readable: bool
) -> None:
    own = [{"name": "istio-proxy", "image": "auto", "securityContext": container}] if container else []
    files = at(
        {"secret": {"secretName": "s", "defaultMode": mode}},
        spec={"securityContext": pod, "containers": own},
        annotations=annotations,
    )
    found = files.resolve("/c/cert", HELD)
    assert (found.state, found.mode) == (FileState.PRESENT if readable else FileState.UNREADABLE, mode)


def test_on_open_shift_a_mode_is_not_judged() -> None:
    source = {"secret": {"secretName": "s", "defaultMode": 256}}
    assert state(at(source, injection=replace(SIDECAR, open_shift=True)), "/c/cert") is FileState.UNKNOWN


def test_an_unreadable_file_says_the_mode_in_both_notations() -> None:
    found = at({"secret": {"secretName": "s", "defaultMode": 256}}).resolve("/c/cert", HELD)
    assert found.reason == "mode 0400 (decimal 256) keeps user 1337 out, and the pod sets no fsGroup"


def own(*mounts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A pod spec with an istio-proxy of its own with these mounts, and a pod volume `p` of Secret s."""
    container = {"name": "istio-proxy", "image": "auto", "volumeMounts": list(mounts), **fields}
    return {"containers": [container], "volumes": [{"name": "p", **SECRET}]}


def test_an_own_container_mounts_pod_volumes() -> None:
    files = sidecar(spec=own({"name": "p", "mountPath": "/p"}))
    mount = Mount("p", "/p", path="spec.template.spec.containers[0].volumeMounts[0]")
    assert (state(files, "/p/cert"), files.user_mounts, files.mounts) == (
        FileState.PRESENT,
        (mount,),
        (mount, SIDECAR_MOUNTS[-1], *SIDECAR_MOUNTS[:-1]),
    )


def test_own_mount_overrides_annotation_at_same_path() -> None:
    files = at({"configMap": {"name": "m"}}, {"subPath": "ca.crt"}, spec=own({"name": "p", "mountPath": "/c"}))
    assert files.place("/c").mount == Mount(
        "p", "/c", "ca.crt", path="spec.template.spec.containers[0].volumeMounts[0]"
    )


def test_an_own_mount_replaces_istios() -> None:
    files = sidecar(spec=own({"name": "p", "mountPath": "/var/run/secrets/istio"}))
    assert state(files, "/var/run/secrets/istio/root-cert.pem") is FileState.NO_KEY


@pytest.mark.parametrize(("injection", "expected"), [(GATEWAY, FileState.NO_MOUNT), (MANUAL, FileState.NO_MOUNT)])
def test_gateways_and_manual_sidecars_know_no_annotations(injection: Injection, expected: FileState) -> None:
    files = at(SECRET, spec=own({"name": "p", "mountPath": "/p"}), injection=injection)
    assert [state(files, path) for path in ("/c/cert", "/p/cert")] == [expected, FileState.PRESENT]


def test_manual_sidecar_has_only_its_manifest_files() -> None:
    volumes = [{"name": "istiod-ca-cert", "configMap": {"name": "istio-ca-root-cert"}}, {"name": "p", **SECRET}]
    mounts = [{"name": "istiod-ca-cert", "mountPath": "/var/run/secrets/istio"}, {"name": "p", "mountPath": "/p"}]
    spec = {"containers": [{"name": "istio-proxy", "volumeMounts": mounts}], "volumes": volumes}
    files = sidecar(spec=spec, injection=MANUAL)
    paths = ("/var/run/secrets/istio/root-cert.pem", "/etc/istio/pod/labels", "/p/cert")
    assert [state(files, path) for path in paths] == [FileState.BUILT_IN, FileState.NO_MOUNT, FileState.PRESENT]
    assert [mount.name for mount in files.user_mounts] == ["p"]


def test_a_mount_of_a_volume_that_does_not_exist_leads_nowhere() -> None:
    files = sidecar(mounts=[{"name": "gone", "mountPath": "/c"}, {"name": "vault-secrets", "mountPath": "/v"}])
    assert [state(files, path) for path in ("/c/cert", "/v/cert")] == [FileState.NO_SOURCE, FileState.UNKNOWN]


@pytest.mark.parametrize(
    ("pod_volumes", "volumes", "expected"),
    [
        ([], [{"secret": {"secretName": "a"}}, {"secret": {"secretName": "b"}}], (Source("secret", "b"),)),
        (
            [],
            [{"secret": {"secretName": "a", "defaultMode": 256}}, {"secret": {"secretName": "b"}}],
            (Source("secret", "b", default_mode=256),),
        ),
        (
            [],
            [{"secret": {"secretName": "a"}}, {"emptyDir": {}}],
            (Source("secret", "a"), Source("emptyDir")),
        ),
        ([{"secret": {"secretName": "a"}}], [{"secret": {"secretName": "b"}}], (Source("secret", "b"),)),
        ([{"secret": {"secretName": "a"}}], [], (Source("secret", "a"),)),
        (
            [{"secret": {"secretName": "a", "optional": True}}],
            [{"secret": {"secretName": "a", "optional": False}}],
            (Source("secret", "a", optional=False),),
        ),
        (
            [{"secret": {"secretName": "a", "optional": True}}],
            [{"secret": {"secretName": "a"}}],
            (Source("secret", "a", optional=True),),
        ),
    ],
)
def test_volumes_of_one_name_are_merged_field_by_field(
    pod_volumes: list[dict[str, Any]], volumes: list[dict[str, Any]], expected: tuple[Source, ...]
) -> None:
    spec = {"volumes": [{"name": "c", **one} for one in pod_volumes]}
    found = sidecar([{"name": "c", **one} for one in volumes], spec=spec).volume("c")
    assert found is not None
    assert found.sources == expected


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("workload-socket", SECRET, (Source("secret", "s"),)),
        ("istiod-ca-cert", {"configMap": {"name": "m"}}, (Source("configMap", "m"),)),
        ("istio-envoy", SECRET, (Source("emptyDir"), Source("secret", "s"))),
    ],
)
def test_a_volume_of_istios_name_replaces_or_merges(
    name: str, source: dict[str, Any], expected: tuple[Source, ...]
) -> None:
    found = sidecar([{"name": name, **source}]).volume(name)
    assert found is not None
    assert found.sources == expected


def test_a_replaced_root_is_no_longer_istios() -> None:
    files = sidecar([{"name": "istiod-ca-cert", "configMap": {"name": "m"}}])
    assert state(files, "/var/run/secrets/istio/root-cert.pem") is FileState.NO_KEY


TEXTS = st.sampled_from(
    ("/c", "/c/", "c", "/", "", "/c/x", "..", "/etc", "/etc/istio/proxy", "istio-envoy", "cert", "$(X)")
)
NAMES = ("name", "subPath", "subPathExpr")


@given(
    st.lists(st.fixed_dictionaries({"mountPath": TEXTS}, optional=dict.fromkeys(NAMES, TEXTS)), max_size=3),
    st.lists(st.fixed_dictionaries({"name": TEXTS}, optional={"secret": st.just({"secretName": "s"})}), max_size=2),
    TEXTS | st.text(max_size=12),
    st.sampled_from((SIDECAR, GATEWAY, MANUAL)),
    st.booleans(),
)
def test_every_path_has_an_answer_and_the_same_one_twice(
    mounts: list[Any], volumes: list[Any], path: str, injection: Injection, in_pod: bool
) -> None:
    spec = {**own(*mounts), "volumes": volumes} if in_pod else {}
    files = sidecar(volumes, mounts, spec=spec, injection=injection)
    found = files.resolve(path, HELD)
    assert (files.resolve(path, HELD), find_faults(files)) == (found, find_faults(files))
