"""userVolume and userVolumeMount, read as the injector renders them, with every fault that they can hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT, read_user_volumes
from webhook.model.chain import UserVolumes
from webhook.model.workload import Container, KeyToPath, Mount, PodTemplate, Source, Volume

VOLUME_PATH = f'spec.template.metadata.annotations["{USER_VOLUME}"]'
MOUNT_PATH = f'spec.template.metadata.annotations["{USER_VOLUME_MOUNT}"]'
SECRET = Source("secret", "s")
MODE_PATH, ATTRIBUTES = "[0].secret.defaultMode", "volumeAttributes"
LABELS = {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}
Fault = tuple[str, str, bool, str, str]
"""Kind, path after the annotation, whether it rejects, field, suggestion."""


def read(volumes: str | None = None, mounts: str | None = None, *containers: Container) -> UserVolumes:
    """What a pod template with these annotations says."""
    annotations = {USER_VOLUME: volumes, USER_VOLUME_MOUNT: mounts}
    written = {key: value for key, value in annotations.items() if value is not None}
    return read_user_volumes(PodTemplate("spec.template", {}, written, containers))


def faults(found: UserVolumes) -> list[Fault]:
    """The faults without their words."""
    return [(one.kind, one.path.split('"]', 1)[1], one.rejects, one.field, one.suggestion) for one in found.faults]


def volume(**fields: Any) -> str:
    """A list of one volume named `c` with these fields."""
    return json.dumps([{"name": "c", **fields}])


def mount(**fields: Any) -> str:
    """A list of one mount of `c` with these fields."""
    return json.dumps([{"name": "c", **fields}])


def test_the_worked_example_has_a_volume_a_mount_and_no_fault() -> None:
    assert read(
        '[{"name":"external","secret":{"secretName":"external"}}]',
        '[{"mountPath":"/etc/mtlsfiles","name":"external","readonly":true}]',
    ) == UserVolumes(
        (Volume("external", (Source("secret", "external"),), f"{VOLUME_PATH}[0]"),),
        (Mount("external", "/etc/mtlsfiles", read_only=True, path=f"{MOUNT_PATH}[0]"),),
        (),
        frozenset((USER_VOLUME, USER_VOLUME_MOUNT)),
    )


def test_without_annotations_there_is_nothing() -> None:
    assert read() == UserVolumes()


def test_of_a_pod_itself_the_path_starts_at_its_metadata() -> None:
    found = read_user_volumes(PodTemplate("", {}, {USER_VOLUME: "x"}))
    assert [one.path for one in found.faults] == [f'metadata.annotations["{USER_VOLUME}"]']


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ('[{"secret":{"secretName":"s"}}]', ["0"], [("unnamed", "[0]", False, "name", "")]),
        ('[{"emptyDir":{}},{"name":"b","emptyDir":{}}]', ["0", "b"], [("unnamed", "[0]", False, "name", "")]),
        ('{"b":{"emptyDir":{}},"a":{"emptyDir":{}}}', ["a", "b"], []),
        ('{"a":{"name":"b","emptyDir":{}}}', ["b"], []),
        ('[{"name":null,"emptyDir":{}}]', [""], [("invalid-name", "[0].name", True, "name", "")]),
        ('[{"name":"","emptyDir":{}}]', [""], [("invalid-name", "[0].name", True, "name", "")]),
        ('[{"Name":"a","emptyDir":{}}]', ["0"], [("unnamed", "[0]", False, "Name", "name")]),
        ('[{"NAME":"a","name":"b","emptyDir":{}}]', ["b"], []),
        ('[{"name":123,"emptyDir":{}}]', [""], [("wrong-type", "[0].name", True, "name", "")]),
        ('[{"name":"my_certs","emptyDir":{}}]', ["my_certs"], [("invalid-name", "[0].name", True, "name", "my-certs")]),
        ('[{"name":"Certs","emptyDir":{}}]', ["Certs"], [("invalid-name", "[0].name", True, "name", "certs")]),
        ('[{"name":"a","name":"b","emptyDir":{}}]', ["b"], []),
    ],
)
def test_names_come_from_the_entry_else_from_its_position_or_key(
    text: str, names: list[str], expected: list[Fault]
) -> None:
    found = read(text)
    assert ([one.name for one in found.volumes], faults(found)) == (names, expected)


def test_a_name_has_at_most_63_characters() -> None:
    assert [faults(read(json.dumps([{"name": "a" * length, "emptyDir": {}}]))) for length in (63, 64)] == [
        [],
        [("invalid-name", "[0].name", True, "name", "a" * 63)],
    ]


def test_a_key_that_breaks_the_yaml_rejects() -> None:
    found = faults(read('{"a\\"b":{"name":"c","emptyDir":{}}}'))
    assert [(kind, rejects, field) for kind, _, rejects, field, _ in found] == [("invalid-name", True, 'a"b')]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("not-json", "", True)),
        ('[{"name":"c"},]', ("not-json", "", True)),
        ("[{'name':'c'}]", ("not-json", "", True)),
        ("- name: c", ("not-json", "", True)),
        ('[{"name":"c"}] # mine', ("not-json", "", True)),
        ('[{"name":"c","secret":{"secretName":"s","defaultMode":0400}}]', ("not-json", "", True)),
        ('[{"name":"c\n"}]', ("not-json", "", True)),
        ('"[{\\"name\\":\\"c\\"}]"', ("not-a-list", "", True)),
        ('"text"', ("not-a-list", "", True)),
        ("3", ("not-a-list", "", True)),
        ("true", ("not-a-list", "", True)),
        ("null", ("empty", "", False)),
        ("[]", ("empty", "", False)),
        ("{}", ("empty", "", False)),
        ('{"name":"c","secret":{"secretName":"s"}}', ("not-a-list", "", True)),
        ('["c"]', ("entry-not-an-object", "[0]", True)),
        ("[null]", ("entry-not-an-object", "[0]", True)),
        ("[{}]", ("entry-not-an-object", "[0]", True)),
        ("[[]]", ("entry-not-an-object", "[0]", True)),
        ('{"c":null}', ("entry-not-an-object", '["c"]', True)),
        ('{"c":{}}', ("entry-not-an-object", '["c"]', True)),
    ],
)
def test_what_cannot_be_rendered_mounts_nothing(text: str, expected: tuple[str, str, bool]) -> None:
    found = read(text)
    assert (found.volumes, [one[:3] for one in faults(found)]) == ((), [expected])


@pytest.mark.parametrize(
    ("text", "kind", "path", "field"),
    [
        (volume(secret={"secretName": "s", "optional": "true"}), "wrong-type", "[0].secret.optional", "optional"),
        (volume(secret={"secretName": "s", "defaultMode": "0400"}), "wrong-type", MODE_PATH, "defaultMode"),
        (volume(secret={"secretName": "s", "defaultMode": 4.5}), "wrong-type", MODE_PATH, "defaultMode"),
        (volume(secret={"secretName": "s", "defaultMode": 3e9}), "wrong-type", MODE_PATH, "defaultMode"),
        (volume(secret={"secretName": 1}), "wrong-type", "[0].secret.secretName", "secretName"),
        (volume(secret="s"), "wrong-type", "[0].secret", "secret"),
        (volume(secret={"secretName": "s", "items": {}}), "wrong-type", "[0].secret.items", "items"),
        (volume(nfs=[]), "wrong-type", "[0].nfs", "nfs"),
        (volume(csi={"driver": "d", ATTRIBUTES: {"a": 1}}), "wrong-type", f"[0].csi.{ATTRIBUTES}", ATTRIBUTES),
        (volume(secret={"secretName": "s", "defaultMode": 512}), "mode-range", MODE_PATH, "defaultMode"),
        (volume(secret={"secretName": "s", "defaultMode": -1}), "mode-range", MODE_PATH, "defaultMode"),
        (volume(secret={}), "required-field", "[0].secret", "secretName"),
        (volume(configMap={"name": ""}), "required-field", "[0].configMap", "name"),
        (volume(secret={"secretName": "s", "items": [{"key": "k"}]}), "required-field", "[0].secret.items[0]", "path"),
        (volume(persistentVolumeClaim={}), "required-field", "[0].persistentVolumeClaim", "claimName"),
        (volume(projected={"sources": [LABELS, LABELS]}), "two-sources", "[0].projected", "projected"),
    ],
)  # fmt: skip
def test_what_kubernetes_refuses_rejects_the_pod(text: str, kind: str, path: str, field: str) -> None:
    assert [one[:4] for one in faults(read(text))] == [(kind, path, True, field)]


@pytest.mark.parametrize(
    ("digits", "meant"), [(644, "420"), (600, "384"), (640, "416"), (777, "511"), (888, ""), (1777, "")]
)
def test_a_mode_that_was_meant_in_octal_is_suggested_in_decimal(digits: int, meant: str) -> None:
    text = volume(secret={"secretName": "s", "defaultMode": digits})
    assert [one.suggestion for one in read(text).faults] == [meant]


@pytest.mark.parametrize("digits", ["0", "256", "420", "511", "420.0", "4.2e2"])
def test_a_mode_may_be_any_whole_number_from_0_to_511(digits: str) -> None:
    found = read(f'[{{"name":"c","secret":{{"secretName":"s","defaultMode":{digits}}}}}]')
    assert (found.volumes[0].source.default_mode, found.faults) == (int(float(digits)), ())


@pytest.mark.parametrize(
    ("fields", "sources", "expected"),
    [
        ({"secrets": {"secretName": "s"}}, (), ("unknown-field", "[0].secrets", False, "secrets", "secret")),
        ({"comfigMap": {"name": "m"}}, (), ("unknown-field", "[0].comfigMap", False, "comfigMap", "configMap")),
        ({"confgMap": {"name": "m"}}, (), ("unknown-field", "[0].confgMap", False, "confgMap", "configMap")),
        ({"secretName": "s"}, (), ("unknown-field", "[0].secretName", False, "secretName", "secret.secretName")),
        (
            {"secret": {"secretName": "s"}, "optional": True},
            (SECRET,),
            ("unknown-field", "[0].optional", False, "optional", "secret.optional"),
        ),
        (
            {"configMap": {"name": "m"}, "defaultMode": 256},
            (Source("configMap", "m"),),
            ("unknown-field", "[0].defaultMode", False, "defaultMode", "configMap.defaultMode"),
        ),
        (
            {"secret": {"name": "s"}},
            (Source("secret"),),
            ("unknown-field", "[0].secret.name", True, "name", "secretName"),
        ),
        (
            {"secret": {"secret_name": "s"}},
            (Source("secret"),),
            ("unknown-field", "[0].secret.secret_name", True, "secret_name", "secretName"),
        ),
        (
            {"configMap": {"configMapName": "m"}},
            (Source("configMap"),),
            ("unknown-field", "[0].configMap.configMapName", True, "configMapName", "name"),
        ),
        (
            {"configMap": {"secretName": "m"}},
            (Source("configMap"),),
            ("unknown-field", "[0].configMap.secretName", True, "secretName", "name"),
        ),
        (
            {"projected": {"sources": [{"secret": {"secretName": "s"}}]}},
            (Source("projected", parts=(Source("secret"),)),),
            ("unknown-field", "[0].projected.sources[0].secret.secretName", True, "secretName", "name"),
        ),
        (
            {"secret": {"secretName": "s", "items": [{"key": "k", "path": "p", "flavour": 1}]}},
            (Source("secret", "s", (KeyToPath("k", "p"),)),),
            ("unknown-field", "[0].secret.items[0].flavour", False, "flavour", ""),
        ),
        (
            {"secret": {"secretName": "s"}, "mountPath": "/x"},
            (SECRET,),
            ("unknown-field", "[0].mountPath", False, "mountPath", "userVolumeMount"),
        ),
        ({}, (), ("no-source", "[0]", False, "", "")),
        ({"secret": None}, (), ("no-source", "[0]", False, "", "")),
        (
            {"secret": {"secretName": "s"}, "configMap": {"name": "m"}},
            (SECRET, Source("configMap", "m")),
            ("two-sources", "[0]", True, "", ""),
        ),
    ],
)
def test_unknown_fields_are_dropped_and_named_once(
    fields: dict[str, Any], sources: tuple[Source, ...], expected: Fault
) -> None:
    found = read(volume(**fields))
    assert (found.volumes[0].sources, faults(found)) == (sources, [expected])


def test_case_does_not_matter_in_field_names() -> None:
    found = read(
        '[{"name":"c","Secret":{"secretname":"s","DEFAULTMODE":256,"Optional":true,"items":[{"Key":"k","PATH":"p"}]}}]',
        '[{"name":"c","mountpath":"/x","SubPath":"k","ReadOnly":true}]',
    )
    assert (found.volumes[0].sources, found.mounts, found.faults) == (
        (Source("secret", "s", (KeyToPath("k", "p"),), 256, optional=True),),
        (Mount("c", "/x", "k", read_only=True, path=f"{MOUNT_PATH}[0]"),),
        (),
    )


def test_of_keys_that_differ_in_case_the_last_in_byte_order_wins() -> None:
    assert [one.mount_path for one in read(None, mount(mountpath="/b", mountPath="/a")).mounts] == ["/b"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"path": "/x"}, [("unknown-field", "[0].path", True, "path", "mountPath")]),
        ({"mount_path": "/x"}, [("unknown-field", "[0].mount_path", True, "mount_path", "mountPath")]),
        ({}, [("required-field", "[0]", True, "mountPath", "")]),
        ({"mountPath": None}, [("required-field", "[0]", True, "mountPath", "")]),
        ({"mountPath": "/x", "readonly": True}, []),
        ({"mountPath": "/x", "readOnly": "true"}, [("wrong-type", "[0].readOnly", True, "readOnly", "")]),
        ({"mountPath": "/x", "secret": {}}, [("unknown-field", "[0].secret", False, "secret", "userVolume")]),
        ({"mountPath": "/x", "subPath": "/a"}, [("invalid-name", "[0].subPath", True, "subPath", "")]),
        ({"mountPath": "/x", "subPath": "a/../b"}, [("invalid-name", "[0].subPath", True, "subPath", "")]),
        (
            {"mountPath": "/x", "subPath": "a", "subPathExpr": "b"},
            [("invalid-name", "[0].subPathExpr", True, "subPathExpr", "")],
        ),
    ],
)
def test_mounts_are_checked_as_volumes_are(fields: dict[str, Any], expected: list[Fault]) -> None:
    assert faults(read(None, mount(**fields))) == expected


OWN = Container("istio-proxy", "auto", (Mount("d", "/d"),))


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ((), []),
        ((Container("istio-proxy", "auto"),), [("required-field", "[0].mountpath", True, "mountpath", "mountPath")]),
        ((Container("app", "i", (Mount("d", "/d"),)),), []),
        ((OWN,), [("required-field", "[0].mountpath", True, "mountpath", "mountPath")]),
    ],
)
def test_mountpath_needs_its_exact_case_beside_an_own_container(
    containers: tuple[Container, ...], expected: list[Fault]
) -> None:
    assert faults(read(None, mount(mountpath="/x"), *containers)) == expected


KEYS = st.sampled_from(
    (
        *("name", "Name", "secret", "secrets", "secretName", "items", "key", "path", "mountPath", "mountpath"),
        *("defaultMode", "optional", "projected", "sources", "configMap", "subPath", "readOnly"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@given(JSON.map(json.dumps) | st.text(max_size=30), JSON.map(json.dumps) | st.text(max_size=30), st.booleans())
def test_any_text_is_read_deterministically(volumes: str, mounts: str, own: bool) -> None:
    containers = (OWN,) if own else ()
    found = read(volumes, mounts, *containers)
    assert read(volumes, mounts, *containers) == found
    assert {one.annotation for one in found.faults} <= found.present
    assert [one for one in found.faults if not one.detail or not one.path.startswith("spec.template.metadata")] == []
