"""Certificate, private key and CA files are PEM text.

## Why

Istio's agent and Envoy read only PEM: text between `-----BEGIN ...-----` and `-----END ...-----`. They reject DER
files, PKCS#12 and JKS containers, PEM that was base64-encoded twice, files that begin with a byte order mark, and empty
files. Every call then fails with HTTP 503.

## Fix

Convert the file to PEM, and let kubectl encode it (`--from-file`). Base64 is used in `data` of a Secret, never in
`stringData`.

## Source

Measured with Envoy 1.40.0; Go `encoding/pem` for the agent.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import refusals, role
from webhook.rules._reads import CHAINS
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that is no PEM."""
    yield from refusals(picture, WORDS)


FORMS = {
    "empty": ("is empty", "put the PEM file into it"),
    "der": (
        "is DER, not PEM",
        "convert it: openssl x509 -inform der -in FILE (a key: openssl pkey -inform der -in FILE)",
    ),
    "base64-of-pem": ("is PEM that was base64-encoded twice", "encode it once only: put the PEM text into stringData"),
    "bom": ("begins with a byte order mark", "save the PEM file without one"),
    "pkcs12": ("is a PKCS#12 container", "convert it: openssl pkcs12 -in FILE -nodes"),
    "jks": (
        "is a Java key store",
        "convert it: keytool -importkeystore -deststoretype pkcs12, then openssl pkcs12 -nodes",
    ),
    "utf-16": ("is UTF-16 text", "save the PEM file as plain ASCII"),
    "bad-base64": ("is not valid base64", "write the PEM text into stringData, or encode it with base64 -w0"),
    "not-a-string": ("is no text", "write the PEM text into stringData"),
}


def _form(_picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    form = refused.chain.file.material.form if refused.chain.file.material is not None else ""
    problem, fix = FORMS.get(form, ("holds no PEM block", "put the PEM file into it"))
    return f"{problem}; it is read as {role(refused.chain)}", fix


WORDS = {"empty": _form, "no-block": _form}


RULE = RuleMetadata(
    title="A certificate, private key or CA file is not PEM",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
