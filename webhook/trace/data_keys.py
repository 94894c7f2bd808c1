"""Which data key of a Secret becomes which file that a DestinationRule reads, and how well a Secret fits all of them.

`secret_choice` decides which Secret belongs to which DestinationRule.
"""

from collections.abc import Mapping
from enum import IntEnum
from posixpath import basename

from webhook.model.mesh import FileSet
from webhook.trace.context import WorkloadContext

KEY_NAMES: Mapping[str, tuple[str, ...]] = {
    "clientCertificate": ("cert", "tls.crt"),
    "privateKey": ("key", "tls.key"),
    "caCertificates": ("cacert", "ca.crt"),
    "caCrl": ("crl", "ca.crl"),
}
"""The usual data keys of a client Secret, by the field of the DestinationRule (Istio's own names)."""


class Fit(IntEnum):
    """How the data keys of a Secret fit the file names of a DestinationRule."""

    EXACT = 0  # each file name is a data key, or the Secret is not in view
    RENAMED = 1  # `items` make the usual data keys into the file names
    LACKING = 2  # a data key is missing


def keys_of(context: WorkloadContext, secret: str) -> frozenset[str] | None:
    """The data keys of the Secret, or those that its producer announces; None if neither is in view."""
    facts = context.view.secret(context.workload.namespace, secret)
    if facts is not None:
        return frozenset(facts.keys)
    makers = context.view.producers("Secret", context.workload.namespace, secret)
    return next((producer.keys for producer in makers if producer.keys), None)


def key_for(field: str, name: str, keys: frozenset[str]) -> str:
    """The data key that becomes the file of that name: the same name, or the only usual one of the field."""
    if name in keys:
        return name
    usual = [key for key in KEY_NAMES[field] if key in keys]
    return usual[0] if len(usual) == 1 else name


def fit(files: FileSet, keys: frozenset[str] | None) -> Fit:
    """How a Secret with these data keys fits the file set."""
    file_names = [(field, basename(path)) for field, path in files.items()]
    if keys is None or all(name in keys for _, name in file_names):
        return Fit.EXACT
    return Fit.RENAMED if all(key_for(field, name, keys) in keys for field, name in file_names) else Fit.LACKING


def sources(files: FileSet, keys: Mapping[str, frozenset[str] | None]) -> Mapping[str, str] | None:
    """By field: the only Secret that has the file; None where several have it, or none has. keys: by Secret."""
    if len(keys) == 1:
        return dict.fromkeys((field for field, _ in files.items()), next(iter(keys)))
    whole = [
        secret for secret, data_keys in keys.items() if data_keys is not None and fit(files, data_keys) is Fit.EXACT
    ]
    if whole:
        return dict.fromkeys((field for field, _ in files.items()), whole[0]) if len(whole) == 1 else None
    chosen = {field: _source(field, basename(path), keys) for field, path in files.items()}
    pair_secrets = {chosen.get("clientCertificate"), chosen.get("privateKey")} - {None}
    if not all(chosen.values()) or len(pair_secrets) > 1:
        return None
    return {field: secret for field, secret in chosen.items() if secret}


def _source(field: str, name: str, keys: Mapping[str, frozenset[str] | None]) -> str | None:
    """The only Secret with that data key, else with the usual data key, else whose data keys are not in view."""
    exact = [secret for secret, data_keys in keys.items() if data_keys is not None and name in data_keys]
    usual = [
        secret
        for secret, data_keys in keys.items()
        if data_keys is not None and key_for(field, name, data_keys) in data_keys
    ]
    unseen = [secret for secret, data_keys in keys.items() if data_keys is None]
    holders = exact or usual or unseen
    return holders[0] if len(holders) == 1 else None
