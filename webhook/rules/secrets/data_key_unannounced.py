"""A Secret that another object creates will have the data keys that DestinationRules read from it.

## Why

A Git repository rarely contains the Secret, but often the object that creates it: a Certificate, an ExternalSecret or a
SealedSecret. These objects determine the data keys; cert-manager always uses `tls.crt`, `tls.key` and `ca.crt`. A
DestinationRule that reads `/etc/mtlsfiles/cert` from such a Secret finds no file, and calls fail with HTTP 503 `Secret
is not supplied by SDS` after everything has been deployed.

## Fix

Map the data keys to the file names of the DestinationRule in `userVolume`: `"items": [{"key": "tls.crt", "path":
"cert"}, ...]`. Alternatively, use the data keys in the paths of the DestinationRule.

## Source

cert-manager `secretName` and `additionalOutputFormats`; External Secrets `spec.data` and `spec.target.template`; Sealed
Secrets `spec.encryptedData`. Kubernetes: a Secret volume contains one file for each data key.
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
    title="A Secret that will be created will lack a data key that the sidecar reads",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS | PRODUCERS,
)
