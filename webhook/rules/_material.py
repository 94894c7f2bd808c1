"""Words for what stands at the end of a chain, and one violation per refused file; shared by the rules on material."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from webhook.model.chain import Chain
from webhook.model.finding import ObjectRef, Violation
from webhook.model.material import CertificateFacts
from webhook.rules._words import quote
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture

FIELD_WORDS = {
    "clientCertificate": "client certificate",
    "privateKey": "private key",
    "caCertificates": "CA bundle",
    "caCrl": "revocation list",
}
Words = Callable[[WorkloadPicture, RefusedFile], tuple[str, str]]


def refusals(picture: WorkloadPicture, words: Mapping[str, Words]) -> Iterator[Violation]:
    """One violation for each refused file whose code is among `words`; they make problem and fix."""
    for refused in picture.refused:
        say = words.get(refused.refusal.code)
        if say is not None and refused.chain.file.object is not None:
            problem, fix = say(picture, refused)
            yield Violation(
                refused.chain.file.object, key_path(refused.chain), problem, fix, certain=refused.refusal.certain
            )


def key_path(chain: Chain) -> str:
    """Where in the Secret the file comes from, as findings name it: `key "cert"`."""
    return f"key {quote(chain.file.key)}"


def role(chain: Chain) -> str:
    """What the file is for: `client certificate`, `private key`, `CA bundle` or `revocation list`."""
    return FIELD_WORDS[chain.field]


def named(certificate: CertificateFacts) -> str:
    """How a person knows a certificate: `certificate CN=client`."""
    return f"certificate {certificate.subject or 'without a subject'}"


def replace_secret(picture: WorkloadPicture, ref: ObjectRef) -> str:
    """The command that replaces the Secret by new files, with all the keys that it has now."""
    secret = picture.view.secret(ref.namespace, ref.name) if ref.kind == "Secret" else None
    if secret is None:
        return f"kubectl -n {ref.namespace} edit {ref.kind.lower()} {ref.name}"
    files = " ".join(f"--from-file={key}=FILE" for key in sorted(secret.keys)[:4])
    command = f"kubectl -n {ref.namespace} create secret generic {ref.name} {files}"
    return f"{command} --dry-run=client -o yaml | kubectl apply -f -"


def moment(at: datetime) -> str:
    """An instant to the minute, as `2026-11-20T09:00Z`."""
    return f"{at:%Y-%m-%dT%H:%MZ}"


def span(length: timedelta) -> str:
    """A length of time as a person says it: `3 days`, `1 day`, `5 hours`, `20 minutes`."""
    seconds = int(abs(length).total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = seconds // size
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
