"""Misspelt fields of a DestinationRule, for the rule that reports them and those that would report only the loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from webhook.model.mesh import DestinationRule, TlsSettings

TLS_FIELDS = (
    "mode",
    "clientCertificate",
    "privateKey",
    "caCertificates",
    "credentialName",
    "subjectAltNames",
    "sni",
    "insecureSkipVerify",
    "caCrl",
)
OTHER_FIELDS = (
    "host",
    "trafficPolicy",
    "subsets",
    "exportTo",
    "workloadSelector",
    "tls",
    "portLevelSettings",
    "port",
    "number",
    "name",
    "labels",
    "matchLabels",
)
_OFTEN = {
    "clientcert": "clientCertificate",
    "certificate": "clientCertificate",
    "cert": "clientCertificate",
    "clientkey": "privateKey",
    "key": "privateKey",
    "ca": "caCertificates",
    "cacert": "caCertificates",
    "san": "subjectAltNames",
    "sans": "subjectAltNames",
    "skipverify": "insecureSkipVerify",
    "crl": "caCrl",
}
"""What people write who did not look it up, without case and underscores."""


@dataclass(frozen=True, slots=True)
class Misspelt:
    """An unknown key: where it stands, as it is written, and what it was probably meant to be ('' if no guess).

    belongs: the path of the object in which a field of that very name has an effect, '' if the name is no field.
    """

    path: str
    key: str
    meant: str
    belongs: str = ""


def misspelt(rule: DestinationRule) -> Iterator[Misspelt]:
    """The unknown keys of the rule that are still missing under their right name."""
    blocks = {tls.path: tls for tls in rule.settings()} if rule.unknown else {}
    for path, key in rule.unknown:
        meant = guess(key, TLS_FIELDS if path.endswith(".tls") else OTHER_FIELDS)
        if not (meant and path in blocks and _is_set(blocks[path], meant)):
            yield Misspelt(path, key, meant, place_of(path, key))


def place_of(path: str, key: str) -> str:
    """Where a field of TLS that stands at this path belongs: `spec.trafficPolicy` for `spec`, '' for other keys."""
    if path == "spec.workloadSelector":
        return ""
    path = path.removesuffix(".port")
    policy = path if "trafficPolicy" in path else f"{path}.trafficPolicy"
    if key in TLS_FIELDS and not path.endswith(".tls"):
        return f"{policy}.tls"
    return policy if key in ("tls", "portLevelSettings") and policy != path else ""


def lost(rule: DestinationRule, tls: TlsSettings, field: str) -> bool:
    """Whether the block lacks the field only because its name is misspelt."""
    return (
        any(misspelling.path == tls.path and misspelling.meant == field for misspelling in misspelt(rule))
        if rule.unknown
        else False
    )


def guess(key: str, field_names: tuple[str, ...]) -> str:
    """The field that a misspelt key was meant to be, '' if none is near."""
    plain = key.replace("_", "").replace("-", "").lower()
    by_plain = {name.lower(): name for name in field_names}
    if plain in by_plain:
        return by_plain[plain]
    if _OFTEN.get(plain) in field_names:
        return _OFTEN[plain]
    near = get_close_matches(plain, by_plain, 1, 0.75)
    return by_plain[near[0]] if near else ""


def _is_set(tls: TlsSettings, field: str) -> bool:
    values = {**dict(tls.files.items()), "mode": tls.mode, "sni": tls.sni, "credentialName": tls.credential_name}
    return bool(values.get(field)) or (field == "subjectAltNames" and bool(tls.subject_alt_names))
