"""Our verdict on hand-made certificate, key and CA files is that of a real Envoy and of Istio's agent.

Generated ones are for `rig.oracles.files`.
"""

from collections.abc import Iterable, Sequence

import pytest

from certs.encode import cert_pem, crl_pem
from certs.issue import make_crl
from rig.oracles.asking import Json, ask
from rig.oracles.envoy import Files, ask_envoy
from rig.oracles.files import encoded
from tests.material_cases import DATES, ca_cases, pair_cases, parties
from tests.oracle_parts import needed
from webhook.material import (
    LoadFailure,
    agent_refuses_ca,
    agent_refuses_pair,
    envoy_refuses_ca,
    envoy_refuses_crl,
    envoy_refuses_pair,
    read_material,
)

pytestmark = pytest.mark.slow

PAIRS = {case.name: {"certificate": case.certificate, "key": case.key} for case in pair_cases()}
BUNDLES = {case.name: {"ca": case.ca} for case in ca_cases()}


def _agent(cases: Iterable[Files]) -> Sequence[Json]:
    return needed(lambda: ask("files", [encoded(files) for files in cases]))


def _envoy(cases: Iterable[Files]) -> Sequence[str]:
    return needed(lambda: ask_envoy(list(cases)))


def _disagreements(
    names: Iterable[str], ours: Iterable[LoadFailure | None], theirs: Iterable[str]
) -> dict[str, tuple[LoadFailure | None, str]]:
    """Where our verdict does not fit the program's; where we say that we are not certain, either will do."""
    return {
        name: (refusal, words)
        for name, refusal, words in zip(names, ours, theirs, strict=True)
        if (refusal is None or refusal.certain) and (refusal is None) != (words == "")
    }


def test_envoy_agrees_on_every_certificate_and_key() -> None:
    ours = [envoy_refuses_pair(*map(read_material, files.values())) for files in PAIRS.values()]
    assert _disagreements(PAIRS, ours, _envoy(PAIRS.values())) == {}


def test_envoy_agrees_on_every_ca_bundle() -> None:
    ours = [envoy_refuses_ca(read_material(files["ca"])) for files in BUNDLES.values()]
    assert _disagreements(BUNDLES, ours, _envoy(BUNDLES.values())) == {}


def test_envoy_agrees_on_revocation_lists() -> None:
    """A file without any list loads, an unreadable one does not."""
    ca = cert_pem(parties().ca)
    crl = crl_pem(make_crl(parties().ca, DATES))
    end = b"\n-----END X509 CRL-----\n"
    cases = {"one": crl, "two": crl + crl, "none": ca, "empty": b"", "text": b"hello", "with a CA": crl + ca}
    cases |= {"cut short": crl[:160] + end, "no END": crl[:160], "glued": crl.rstrip() + crl}
    ours = [envoy_refuses_crl(read_material(one)) for one in cases.values()]
    assert _disagreements(cases, ours, _envoy({"ca": ca, "crl": one} for one in cases.values())) == {}


def test_the_agent_agrees_on_every_certificate_and_key() -> None:
    ours = [agent_refuses_pair(*map(read_material, files.values())) for files in PAIRS.values()]
    assert _disagreements(PAIRS, ours, (one["pair"] for one in _agent(PAIRS.values()))) == {}


def test_the_agent_agrees_on_every_ca_bundle() -> None:
    ours = [agent_refuses_ca(read_material(files["ca"])) for files in BUNDLES.values()]
    assert _disagreements(BUNDLES, ours, (one["ca"] for one in _agent(BUNDLES.values()))) == {}
