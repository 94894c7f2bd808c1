"""What people keep in files is read as kubectl reads it, nothing hides its neighbours, and every line can be named."""

import contextlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.yaml_scalar import resolve
from webhook.manifests import Document, line_of, read
from webhook.model.source_location import Unreadable

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\n"


TAB = "while scanning for the next token, found character that cannot start any token"
HELM = "looks like an unrendered Helm template; render it first: helm template RELEASE CHART | mtls-guard check -"


def pod(name: str) -> str:
    return POD.replace("NAME", name)


def found(text: str | bytes) -> list[Document | Unreadable]:
    """All that standing input gives."""
    return list(read(["-"], io.BytesIO(text.encode() if isinstance(text, str) else text)))


def names(text: str | bytes) -> list[str]:
    """The names of the objects in the text; of what is unreadable its line and problem."""
    return [
        one.manifest["metadata"]["name"] if isinstance(one, Document) else f"{one.line}: {one.problem}"
        for one in found(text)
    ]


def value(text: str) -> Any:
    """What one field of an object becomes."""
    (one,) = found(pod("a") + "x: " + text)
    assert isinstance(one, Document)
    return one.manifest["x"]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("yes", True),
        ("off", False),
        ("n", False),
        ('"yes"', "yes"),
        ("2026-01-01", "2026-01-01"),
        ("12:30:45", "12:30:45"),
        ("0400", 256),
        ("0o400", 256),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0400", -256),
        ("+1", 1),
        ("08", 8),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("500m", "500m"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616),
        ("18446744073709551619", 18446744073709551616),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("1e400", "1e400"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nullable", "nullable"),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
        ("!!binary aGk=", "hi"),
        ("!anything text", "text"),
        ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
        ("[&a {k: v}, *a]", [{"k": "v"}, {"k": "v"}]),
        ("{<<: {a: 1, b: 2}, b: 3}", {"a": 1, "b": 3}),
        ("{b: 2, <<: {b: 1, c: 3}}", {"b": 1, "c": 3}),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
        ('{"<<": 1}', {"<<": 1}),
    ],
)
def test_values_mean_what_they_mean_to_kubectl(text: str, meaning: Any) -> None:
    """YAML 1.1 without dates and base 60, then JSON."""
    assert (value(text), type(value(text))) == (meaning, type(meaning))


@given(st.text(alphabet="0123456789+-_.eExXbBoO ", max_size=12))
def test_no_plain_scalar_ends_in_anything_but_json(text: str) -> None:
    """A number-like word is a number, text or refused; never an exception of Python's."""
    with contextlib.suppress(InvalidDocument):
        assert json.loads(json.dumps(resolve(text), allow_nan=False)) == resolve(text)


def test_broken_document_hides_no_other_document() -> None:
    """`---` ends a document even inside an open quote, bracket or block."""
    broken = "a: [1, 2\n---\n" + pod("b") + '---\nq: "open\n...\n---\n' + pod("c")
    assert names(pod("a") + "---\n" + broken) == [
        "a",
        "6: not YAML: while parsing a flow sequence, did not find expected ',' or ']' (column 1)",
        "b",
        "11: not YAML: while scanning a quoted scalar, found unexpected end of stream (column 4)",
        "c",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "---\n---\n# nothing\n---\n" + pod("a") + "---\n",
        "--- # comment\n" + pod("a"),
        "--- {apiVersion: v1, kind: Pod, metadata: {name: a}}",
        "%YAML 1.1\n# more\n---\n" + pod("a") + "...\n",
        "\ufeff" + pod("a"),
        "\ufeff---\n" + pod("a"),
        pod("a").replace("\n", "\r\n"),
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}',
        '\n  {"apiVersion": "v1",\n\t"kind": "Pod", "metadata": {"name": "a"}}',
        "{apiVersion: v1, kind: Pod, metadata: {name: a}}",
    ],
)
def test_one_object_is_read_however_it_is_framed(text: str) -> None:
    """Marks, comments, directives, byte order marks, line ends of Windows, JSON with tabs, flow style."""
    assert names(text) == ["a"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_with_a_byte_order_mark_are_read(encoding: str) -> None:
    """Files that Windows tools wrote."""
    text = pod("a") + "---\n" + pod("ä")
    assert names(("" if encoding in ("utf-16", "utf-32") else "\ufeff").join(["", text]).encode(encoding)) == ["a", "ä"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"a: \xff", "6: not UTF-8: byte 0xff (column 4)"),
        (b"a: \x00", "6: not YAML: the character U+0000 is not allowed (column 4)"),
        (b"a:\n\t- b", f"7: not YAML: {TAB} (column 1)"),
        (b"a: *b", "6: the alias *b has no anchor that ends before it (column 4)"),
        (b"a: &a [*a]", "6: the alias *a has no anchor that ends before it (column 8)"),
        (b"a: .nan", "6: .nan is a number that JSON cannot say; quote it if it is meant as text (column 4)"),
        (b"a: !!binary a", "6: what its tag !!binary says is no base64 (column 4)"),
        (b"? [a]\n: b", "6: a list is no key of a mapping (column 5)"),
        (b"~: b", "6: null is no key of a mapping (column 1)"),
        (b"a: !!int b", '6: "b" is not what its tag !!int says (column 4)'),
        (b"<<: 5", "6: << takes a mapping or a list of mappings (column 5)"),
        (b"a: " + b"[" * 201, "6: nested deeper than 200 levels (column 203)"),
        (b"a: " + b"{a: " * 201, "6: nested deeper than 200 levels (column 800)"),
        (b"a: " + b"[" * 201 + b"]" * 201, "6: nested deeper than 200 levels (column 203)"),
        (b"metadata: {}\nkind: Pod", "6: has no apiVersion, so nobody can tell what it is"),
        (b"name: {{ .Values.name }}", f"6: {HELM}"),
    ],
)  # fmt: skip
def test_fault_has_its_place_and_the_rest_is_read(raw: bytes, problem: str) -> None:
    """Each stands between two good documents."""
    before, after = (pod("a") + "---\n\n").encode(), ("\n---\n" + pod("b")).encode()
    started = time.monotonic()
    assert names(before + raw + after) == ["a", problem, "b"]
    assert time.monotonic() - started < 2


def test_aliases_of_aliases_cost_no_more_than_their_text() -> None:
    """Nine levels of nine would be 387 million values."""
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert names(pod("a") + "l0: &l0 [x, x]\n" + levels) == ["9: aliases repeat more than 100000 values (column 25)"]


def test_deep_json_is_refused_and_not_a_crash(tmp_path: Path) -> None:
    """Just deeper than is read, in a file that says that it is JSON."""
    (tmp_path / "a.json").write_text('{"a":' * 201 + "1" + "}" * 201)
    (one,) = read([str(tmp_path)])
    assert one == Unreadable(str(tmp_path / "a.json"), 1, "nested deeper than 200 levels")


def test_trailing_comma_in_json_file_is_reported_alike(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"kind": "Pod",\n "spec": {"containers": [1, ]}}')
    (one,) = read([str(tmp_path)])
    problem = "not JSON: Illegal trailing comma before end of array (column 29)"
    assert one == Unreadable(str(tmp_path / "a.json"), 2, problem)


def test_duplicate_key_is_reported_and_the_last_wins() -> None:
    """What kubectl does with it depends on its version: it refuses it or drops a value."""
    (problem, one) = found(pod("a") + "x: 1\nx: 2\n")
    assert isinstance(one, Document)
    assert (problem, one.manifest["x"]) == (
        Unreadable("-", 5, 'key "x" stands twice in one mapping; only the last counts'),
        2,
    )


def test_two_objects_that_run_together_are_told_as_that() -> None:
    """`cat a.yaml b.yaml` of files without `---`."""
    assert names(pod("a") + pod("b")) == [
        "4: another object begins here without a line --- before it; only the last one was judged",
        "b",
    ]


def test_lists_are_opened_also_nested_and_typed_ones() -> None:
    """`kubectl get -o yaml` writes `List`, the API `PodList` whose items need no kind."""
    text = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}}
- 5
- apiVersion: v1
  kind: PodList
  items:
  - metadata: {name: b}
"""
    assert names(text) == ["a", "2: items[1] of the List is no object", "b"]


def test_json_values_may_follow_each_other() -> None:
    """As kubectl reads a stream; each knows its own line."""
    one = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ä"}}, indent=1, ensure_ascii=False)
    both = [document for document in found(f"{one}\n{one}") if isinstance(document, Document)]
    assert [line_of(document.place, "metadata.name") for document in both] == [5, 12]


def test_other_yaml_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    """Values, charts, kustomizations and lists are no manifests, and no error."""
    for name, text in {
        "values.yaml": "image: x\n",
        "Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n",
        "kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n",
        "list.yml": "- a\n",
        "number.json": "5",
        "pod.yaml": pod("a"),
    }.items():
        (tmp_path / name).write_text(text)
    assert [one.manifest["kind"] for one in read([str(tmp_path)]) if isinstance(one, Document)] == ["Pod"]
    assert len(list(read([str(tmp_path)]))) == 1


def test_folders_are_read_once_in_order(tmp_path: Path) -> None:
    """Symbolic links are followed, as in a mounted ConfigMap; a circle ends."""
    for name in ("b/z.yaml", "b/y.YML", "a.json.yaml", ".git/c.yaml", ".hidden.yaml", "c.txt", "b/.d/e.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(pod(name))
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "b" / "z.yaml")
    (tmp_path / "lost.yaml").symlink_to(tmp_path / "nowhere")
    told = [
        one.manifest["metadata"]["name"] if isinstance(one, Document) else one.problem
        for one in read([str(tmp_path), str(tmp_path / "b"), str(tmp_path / "c.txt")])
    ]
    assert told == ["a.json.yaml", "b/y.YML", "b/z.yaml", "cannot be read: No such file or directory", "c.txt"]


def test_a_path_without_any_object_is_told(tmp_path: Path) -> None:
    """A wrong path must not pass in CI."""
    (tmp_path / "values.yaml").write_text("a: 1")
    missing = str(tmp_path / "missing")
    assert list(read([str(tmp_path), missing])) == [
        Unreadable(str(tmp_path), 0, "holds no Kubernetes object"),
        Unreadable(missing, 0, "cannot be read: No such file or directory"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    """Of a file and of a folder."""
    (tmp_path / "a.yaml").write_text(pod("a"))
    (tmp_path / "b").mkdir()
    for name in ("a.yaml", "b"):
        (tmp_path / name).chmod(0)
    told = [one.problem for one in read([str(tmp_path)]) if isinstance(one, Unreadable)]
    (tmp_path / "b").chmod(0o700)
    assert told == ["cannot be read: Permission denied", "cannot be listed: Permission denied"]


def test_a_document_of_8_mib_is_read() -> None:
    """One annotation as large as no API server takes it."""
    assert names(pod("a") + "x: " + "y" * (8 << 20)) == ["a"]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_told(raw: bytes) -> None:
    """Never an exception, and good neighbours stay."""
    told = names(pod("a").encode() + b"---\n" + raw + b"\n---\n" + pod("b").encode())
    assert (told[0], told[-1]) == ("a", "b")


WORKLOAD = """\
# comment
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: a
spec:
  template:
    metadata:
      annotations:
        other: x
        sidecar.istio.io/userVolume: |
          [{"name": "a"}]
    spec:
      containers:
      - name: one
        image: x
      -
        name: two
        env: [{name: A}, {name: B,
          value: c}]
---
apiVersion: v1
kind: Secret
metadata: {name: b}
stringData:
  cert: x
"""


@pytest.mark.parametrize(
    ("name", "path", "line"),
    [
        ("a", "", 3),
        ("a", "spec", 7),
        ("a", 'spec.template.metadata.annotations["sidecar.istio.io/userVolume"][0].secret', 12),
        ("a", 'spec.template.metadata.annotations["absent"]', 10),
        ("a", "spec.template.spec.containers[1].name", 19),
        ("a", "spec.template.spec.containers[1]", 19),
        ("a", "spec.template.spec.containers[1].env[1].value", 21),
        ("a", "spec.template.spec.containers[7].name", 15),
        ("a", "kind.of.thing", 4),
        ("a", "no such path at all", 3),
        ("b", 'key "cert"', 27),
        ("b", 'key "absent"', 26),
    ],
)
@pytest.mark.parametrize("form", ["file", "stdin", "wide", "list", "json"])
def test_line_of_a_field_is_its_deepest_existing_part(
    tmp_path: Path, name: str, path: str, line: int, form: str
) -> None:
    """The same in a file, in a stream that is gone, in UTF-16, and in a List that moves each line by three."""
    text, shift = WORKLOAD, 0
    if form == "list":
        items = ("- " + part.strip("\n").replace("\n", "\n  ") for part in WORKLOAD.split("---\n")[1:])
        text, shift = "\n".join(["kind: List", "apiVersion: v1", "items:", *items]) + "\n", 1 if name == "a" else 0
    (tmp_path / "a.yaml").write_bytes(text.encode("utf-16" if form == "wide" else "utf-8"))
    where = "-" if form == "stdin" else str(tmp_path / "a.yaml")
    one = next(
        document
        for document in read([where], io.BytesIO(text.encode()))
        if isinstance(document, Document) and document.manifest["metadata"]["name"] == name
    )
    assert line_of(one.place, path) == line + shift


def test_line_of_a_deleted_file_is_its_document(tmp_path: Path) -> None:
    """Nothing more can be known."""
    (tmp_path / "a.yaml").write_text(WORKLOAD)
    one = next(iter(read([str(tmp_path)])))
    (tmp_path / "a.yaml").unlink()
    assert isinstance(one, Document)
    assert line_of(one.place, "spec") == 3
