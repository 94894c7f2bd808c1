"""A Secret that something will make will have the keys that the DestinationRules read from it.

## Why

Git rarely holds the Secret, but often what makes it: a Certificate, an ExternalSecret, a SealedSecret. Each of them
says under which keys: cert-manager always `tls.crt`, `tls.key` and `ca.crt`. A rule that reads `/etc/mtlsfiles/cert`
from such a Secret gets no file: 503 `Secret is not supplied by SDS`, once everything has been deployed.

## Fix

Map the keys to the file names of the rule, in `userVolume`: `"items": [{"key": "tls.crt", "path": "cert"}, ...]`; or
write the keys into the rule's paths.

## Source

cert-manager `secretName` and `additionalOutputFormats`; External Secrets `spec.data` and `spec.target.template`; Sealed
Secrets `spec.encryptedData`. Kubernetes: a Secret volume shows one file for each key.
"""

from collections.abc import Iterator

from webhook.model.chain import Chain, FileState
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._secrets import secret_ref
from webhook.rules._words import listed, read_by
from webhook.trace.secret_producers import makers
from webhook.trace.workload import WorkloadPicture

_TO_COME = (FileState.NO_OBJECT, FileState.NOT_IN_INPUT)


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret to come without a key that is read; in doubt, for its maker may still change."""
    lost: dict[str, list[Chain]] = {}
    for chain in picture.chains:
        source = chain.file.source
        if chain.file.state in _TO_COME and source is not None and source.kind == "secret":
            announced = [producer.keys for producer in makers(picture.view, secret_ref(picture, source.name))]
            if announced and not any(not keys or chain.file.key in keys for keys in announced):
                lost.setdefault(source.name, []).append(chain)
    for name, chains in lost.items():
        yield _without(picture, name, chains)


def _without(picture: WorkloadPicture, name: str, chains: list[Chain]) -> Violation:
    maker = makers(picture.view, secret_ref(picture, name))[0]
    missing_keys = listed(dict.fromkeys(chain.file.key for chain in chains))
    makes = f"{maker.ref} makes only {listed(sorted(maker.keys or ()))}"
    problem = f"will be missing: {makes}, and {read_by(chains[0])} reads it"
    fix = "map the keys with items in userVolume, or write them into the rule's paths"
    return Violation(secret_ref(picture, name), f"key {missing_keys}", problem, fix, certain=False)


RULE = RuleMetadata(
    title="A Secret that will be made will lack a key that the sidecar is told to read",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS | PRODUCERS,
)
