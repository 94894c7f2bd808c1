"""Whatever bytes and JSON arrive: reading never raises, takes bounded time, and tells nothing of a key."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.encode import cert_pem, key_pem
from certs.issue import Issued
from tests.material_cases import parties
from webhook.material import (
    read_config_map,
    read_material,
    read_secret,
    sidecar_refuses_ca,
    sidecar_refuses_pair,
)
from webhook.material.pem import scan, scan_leniently


def _hostile() -> Iterator[tuple[str, bytes]]:
    pem = cert_pem(parties().client)
    begin, end = b"-----BEGIN A-----\n", b"-----END A-----\n"
    yield "BEGIN without lines", b"-----BEGIN " * 95_000
    yield "BEGIN lines", begin * 58_000
    yield "END lines", b"\n-----END " * 100_000
    yield "empty blocks", (begin + end) * 30_000
    yield "headers", begin + b"a:b\n" * 250_000 + end
    yield "many headers", (begin + b"a:b\n" * 1000 + b"\n" + end) * 250
    yield "all BEGIN, all END", begin * 29_000 + end * 29_000
    yield "dashes", b"-----BEGIN " + b"-" * 1_000_000
    yield "blanks", (b"-----END A-----" + b" " * 63) * 13_000
    yield "braces", b"{{" * 500_000
    yield "certificates", pem * (1_000_000 // len(pem))
    yield "glued certificates", pem.rstrip() * (1_000_000 // len(pem))


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in _hostile()])
def test_a_mebibyte_of_anything_takes_bounded_time(content: bytes) -> None:
    """At most a second of processor time, where it takes a quarter at most; at most 1,000 blocks are looked at."""
    start = time.process_time()
    facts = read_secret({"stringData": {"a": content.decode()}}).keys["a"]
    assert (time.process_time() - start < 1, len(facts.blocks) <= 1000) == (True, True)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise_and_read_the_same_twice(content: bytes) -> None:
    """Also when they stand in a Secret."""
    assert read_material(content) == read_material(content)
    value = content.decode("latin-1")
    manifest = {"data": {"a": value}, "stringData": {"b": value}}
    assert read_secret(manifest) == read_secret(manifest)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("metadata", "data", "stringData", "binaryData", "type"), JSON))
)
def test_any_json_reads_as_a_secret_and_as_a_config_map(manifest: dict[str, object]) -> None:
    """Keys are those of the objects, whatever stands in them."""
    expected = {str(key) for name in ("data", "stringData") for key in _object(manifest.get(name))}
    assert set(read_secret(manifest).keys) == expected
    expected = {str(key) for name in ("data", "binaryData") for key in _object(manifest.get(name))}
    assert set(read_config_map(manifest).keys) == expected


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _files() -> tuple[bytes, ...]:
    one, rsa = parties().client, parties().rsa
    pair: tuple[Issued, ...] = (one, rsa)
    return (cert_pem(*pair), *(key_pem(each) for each in pair), key_pem(one, traditional=True, password="x"))


@given(st.sampled_from(_files()), st.data())
def test_mutated_pem_never_raises_and_is_judged_the_same_twice(pem: bytes, draw: st.DataObject) -> None:
    """Cut, spliced and changed anywhere; the refusals hold on it as well."""
    start, stop = sorted(draw.draw(st.tuples(*[st.integers(0, len(pem))] * 2)))
    content = pem[:start] + draw.draw(st.binary(max_size=6)) + pem[stop:]
    first, second = read_material(content), read_material(content)
    assert (first, sidecar_refuses_pair(first, first)) == (second, sidecar_refuses_pair(second, second))
    assert sidecar_refuses_ca(first) == sidecar_refuses_ca(second)


@given(st.sampled_from(_files()[1:]), st.integers(0, 3000), st.binary(max_size=3))
def test_no_slice_of_a_key_stands_in_its_facts(pem: bytes, at: int, junk: bytes) -> None:
    """Whole or damaged: no 16 characters of a body, nor of its hex, in the facts' repr."""
    content = pem[: at % len(pem)] + junk + pem[at % len(pem) :]
    told = repr(read_material(content)) + repr(sidecar_refuses_pair(read_material(content), read_material(content)))
    body = b"".join(line for line in pem.splitlines() if b"-" not in line and b":" not in line).decode()
    public = {one.public_key for one in read_material(pem).keys}
    hexed = base64.b64decode(body).hex()
    slices = {text[start : start + 16] for text in (body, hexed) for start in range(len(text) - 15)}
    for identity in public - {""}:
        told = told.replace(identity, "")
    assert [one for one in slices if one in told] == []


def test_importing_the_package_does_not_import_cryptography() -> None:
    """A command that reads no PEM pays nothing for X.509."""
    code = "import sys, webhook.material as m; m.read_material(b'x'); print('cryptography' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


@given(st.integers(0, 5000), st.sampled_from((b"", b"\n", b" ", b"=", b"A", b"-", b"\r\n", b"-----BEGIN A-----\n")))
def test_files_of_common_tools_read_alike_leniently(place: int, instead: bytes) -> None:
    """The quick way and the lenient one answer alike, whatever is changed anywhere in a file of a key and its chain."""
    whole = key_pem(parties().client) + cert_pem(parties().client) + cert_pem(parties().ca)
    at = place % len(whole)
    for content in (whole, whole[:at] + instead + whole[at + 1 :], whole[:at] + instead + whole[at:]):
        assert scan(content) == scan_leniently(content)
