"""The probe's question and its only right answers: how a leader recognises that its own installation has answered.

The question names the installation and carries a random part; an answer is made of both, so that neither the denial of
another release, nor a text that quotes the object, nor the answer to an earlier probe is taken for it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.model.raw_object import Manifest, dig, mapping, text, texts

NAME = "mtls-guard-probe"
QUESTION = "mtls-guard.io/probe"
"""The annotation with the question: `NAMESPACE/NAME/RANDOM`."""
MARK = "mtls-guard.io/probe-mutated"
"""The annotation that the mutating webhook adds; the validating one repeats it in its denial."""
_TLS = {
    "mode": "MUTUAL",
    "clientCertificate": "/etc/mtls~guard/cert",
    "privateKey": "/etc/mtls-guard/key/",
    "caCertificates": "/etc/mtls-guard/cacert ",
}
"""Faults, so that an older release denies it, too. Istio's own validation accepts it, and else could be what denies."""


@dataclass(frozen=True, slots=True)
class ProbeChallenge:
    """A probe of the installation `NAMESPACE/NAME`."""

    identity: str
    nonce: str

    @property
    def answer(self) -> str:
        """What the validating webhook of that installation answers."""
        return self._digest("validated")

    @property
    def mark(self) -> str:
        """What its mutating webhook adds."""
        return self._digest("mutated")

    def _digest(self, step: str) -> str:
        """32 hexadecimal digits that stand nowhere in the object."""
        return hashlib.sha256(f"{step} {self.nonce} {self.identity}".encode()).hexdigest()[:32]


def probe_rule(namespace: str, challenge: ProbeChallenge) -> dict[str, Any]:
    """The known-bad DestinationRule; it would concern no workload, even if it were stored."""
    question = f"{challenge.identity}/{challenge.nonce}"
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": NAME, "namespace": namespace, "annotations": {QUESTION: question}},
        "spec": {"host": "probe.mtls-guard.invalid", "exportTo": ["."], "trafficPolicy": {"tls": _TLS}},
    }


def challenge_of(manifest: Manifest) -> ProbeChallenge | None:
    """The challenge in an object, None where it is no probe."""
    if manifest.get("kind") != "DestinationRule" or dig(manifest, "metadata", "name") != NAME:
        return None
    question = texts(dig(manifest, "metadata", "annotations")).get(QUESTION, "")
    identity, _, nonce = question.rpartition("/")
    return ProbeChallenge(identity, nonce) if identity and nonce else None


def mark_of(manifest: Manifest) -> str:
    """What the mutating webhook has added."""
    return text(mapping(dig(manifest, "metadata", "annotations")).get(MARK))


def patch_of(challenge: ProbeChallenge) -> tuple[Mapping[str, str], ...]:
    """The JSON Patch that adds the mark; the object has annotations, since it carries the question."""
    return ({"op": "add", "path": f"/metadata/annotations/{MARK.replace('/', '~1')}", "value": challenge.mark},)
