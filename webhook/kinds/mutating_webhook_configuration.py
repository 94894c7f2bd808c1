"""Reads the entries of mtls-guard's own injection out of a MutatingWebhookConfiguration; others are left out."""

from webhook.model.raw_object import Manifest, dig, mapping, sequence, text
from webhook.model.webhook_configuration import BY_ITSELF, BY_NAMESPACE, InjectingEntry


def read_injecting(manifest: Manifest) -> tuple[InjectingEntry, ...]:
    """The entries of the configuration by which mtls-guard injects; one without rules is never called."""
    name = text(dig(manifest, "metadata", "name"))
    named = ((text(dig(entry, "name")), entry) for entry in sequence(manifest.get("webhooks")))
    return tuple(
        InjectingEntry(name, called, mapping(dig(entry, "namespaceSelector")), callable=_is_callable(entry))
        for called, entry in named
        if called in (BY_ITSELF, BY_NAMESPACE) and sequence(dig(entry, "rules"))
    )


def _is_callable(entry: object) -> bool:
    """Whether a certificate of the service can be verified; for a URL the API server may know the CA by itself."""
    return bool(text(dig(entry, "clientConfig", "caBundle")) or text(dig(entry, "clientConfig", "url")))
