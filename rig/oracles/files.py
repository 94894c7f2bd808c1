"""Compares our verdicts on certificates, keys, CA bundles and revocation lists with Istio's agent and a real Envoy.

Compared are: whether the agent serves each file, whether Envoy loads it as it stands, whether a sidecar can use what
the agent serves, until when the certificate is valid, how many CAs are left of a bundle.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice

from certs.encode import cert_pem
from rig.oracles.asking import Json, Tally, ask
from rig.oracles.envoy import Files, ask_envoy
from rig.oracles.file_cases import FileCase, file_cases, parties
from webhook.material import (
    LoadFailure,
    agent_keeps,
    agent_refuses_ca,
    agent_refuses_pair,
    envoy_refuses_ca,
    envoy_refuses_crl,
    envoy_refuses_pair,
    read_material,
    sidecar_refuses_ca,
    sidecar_refuses_pair,
)
from webhook.model.material import Material

BATCH = 2500
"""The agent tries a refused file for ten seconds, all of them at the same time."""
DOUBTFUL = "we say ourselves that we are not certain"
GLUED = "a bundle with glued blocks, of which the agent drops some without a word, is refused whole"
MISLABELLED = (
    "the agent takes a certificate under the label of a key or of a list, and Envoy then does not; we go by it"
)
HEADED = "the agent hands on a header inside a block, which Envoy then refuses; we do not look for headers there"
CHANGED_INSIDE = (
    "a certificate is changed inside its encoding: Go and BoringSSL look closer than the library that we use"
)
_OTHER_LABEL = re.compile(rb"-----BEGIN (?!(X509 |TRUSTED )?CERTIFICATE-----)")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact. theirs: of a file the words of its refusal, '' where it is taken; ours then a Refusal or None."""

    what: str
    ours: object
    theirs: object

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return (self.ours is None) == (self.theirs == "") if isinstance(self.theirs, str) else self.ours == self.theirs

    @property
    def too_kind(self) -> bool:
        """Whether we let pass, or count, what they do not."""
        return self.ours is None or (isinstance(self.ours, int) and self.ours > int(str(self.theirs)))


def compare_files(seed: int, count: int) -> Tally:
    """The tally over so many generated files."""
    tally, rest = Tally(), file_cases(seed, count)
    while batch := list(islice(rest, BATCH)):
        agents = ask("files", [encoded(case.files) for case in batch])
        bundles = [base64.b64decode(one["bundle"] or "") for one in agents]
        served = {index: {"ca": bundle} for index, bundle in enumerate(bundles) if bundle}
        envoys = ask_envoy([*(case.files for case in batch), *served.values()])
        later = dict(zip(served, envoys[len(batch) :], strict=True))
        for index, case in enumerate(batch):
            tally.cases += 1
            told = {"envoy": envoys[index], "served": later.get(index, ""), "bundle": bundles[index]}
            _compare(case, {**agents[index], **told}, tally)
    return tally


def encoded(files: Files) -> Json:
    """The files as the program takes them."""
    return {name: base64.b64encode(content).decode() for name, content in files.items() if name != "crl"}


def _compare(case: FileCase, answer: Json, tally: Tally) -> None:
    read = {name: read_material(content) for name, content in case.files.items()}
    facts = _pair if "key" in read else _crl if "crl" in read else _ca
    for fact in facts(read, answer):
        tally.answers += 1
        tally.outcomes[f"{fact.what}: {'refused' if fact.theirs and isinstance(fact.theirs, str) else 'taken'}"] += 1
        if isinstance(fact.ours, LoadFailure) and not fact.ours.certain:
            tally.explained[DOUBTFUL] += 1
        elif not fact.agrees and (named := _explained(fact, read, answer)):
            tally.explained[named] += 1
        elif not fact.agrees:
            said = f"{fact.what}: we say {fact.ours!r}, it {fact.theirs!r}"
            tally.wrong.append(
                f"{said}; {case.name}: { {name: base64.b64encode(one) for name, one in case.files.items()} }"
            )


def _explained(fact: Fact, read: Mapping[str, Material], answer: Json) -> str:
    """The name of the reason why a disagreement is none that we would mend, '' where there is no such reason."""
    if isinstance(fact.ours, LoadFailure) and fact.ours.code == "glued" and "sidecar" in fact.what:
        return GLUED
    if _OTHER_LABEL.search(answer["bundle"]):
        return MISLABELLED
    if b": " in answer["bundle"]:
        return HEADED
    changed = any(one.fingerprint not in _issued() for material in read.values() for one in material.certificates)
    return CHANGED_INSIDE if changed and fact.too_kind else ""


@cache
def _issued() -> frozenset[str]:
    """The fingerprints of every certificate that stands whole in a case."""
    held = parties()
    whole = cert_pem(held.root, held.intermediate, *held.leaves, *held.odd)
    return frozenset(one.fingerprint for one in read_material(whole).certificates)


def _pair(read: Mapping[str, Material], answer: Json) -> Iterator[Fact]:
    certificate, key = read["certificate"], read["key"]
    yield Fact("the agent takes the pair", agent_refuses_pair(certificate, key), answer["pair"])
    yield Fact("Envoy takes the pair", envoy_refuses_pair(certificate, key), answer["envoy"])
    yield Fact("a sidecar takes the pair", sidecar_refuses_pair(certificate, key), answer["pair"] or answer["envoy"])
    if not answer["pair"]:
        until = datetime.fromisoformat(answer["until"])
        yield Fact("the certificate's end", certificate.certificates[0].not_after, until)


def _ca(read: Mapping[str, Material], answer: Json) -> Iterator[Fact]:
    yield Fact("the agent takes the CA", agent_refuses_ca(read["ca"]), answer["ca"])
    yield Fact("Envoy takes the CA", envoy_refuses_ca(read["ca"]), answer["envoy"])
    yield Fact("a sidecar takes the CA", sidecar_refuses_ca(read["ca"]), answer["ca"] or answer["served"])
    if not answer["ca"]:
        yield Fact("CAs left", len(agent_keeps(read["ca"])), answer["bundle"].count(b"-----BEGIN "))


def _crl(read: Mapping[str, Material], answer: Json) -> Iterator[Fact]:
    yield Fact("Envoy takes the CRL", envoy_refuses_crl(read["crl"]), answer["envoy"])
