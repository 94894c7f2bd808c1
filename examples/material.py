"""Certificates for the demo: the webhook's own, and a good and several bad Secrets, all made when they are needed."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from certs.encode import cert_pem, key_pem
from certs.issue import SERVER, Dates, Issued, Profile, make_ca, make_leaf

WEBHOOK = Profile("localhost", usages=(SERVER,), hosts=("localhost",))
PASSWORD = "nobody-told-the-sidecar"


def write_webhook(folder: Path, at: datetime) -> None:
    """Writes `tls.crt`, `tls.key` and `ca.crt` for a server on localhost."""
    dates = Dates.around(at, days=7)
    ca = make_ca(dates)
    server = make_leaf(ca, dates, WEBHOOK)
    for name, content in {"tls.crt": cert_pem(server), "tls.key": key_pem(server), "ca.crt": cert_pem(ca)}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)


def secrets(at: datetime) -> dict[str, dict[str, bytes]]:
    """Name -> keys of the Secrets in namespace devel; each but the first differs from it by one thing."""
    ca = make_ca(Dates.around(at))
    client, other = make_leaf(ca, Dates.around(at)), make_leaf(ca, Dates.around(at))
    expired = make_leaf(ca, Dates(at - timedelta(days=368), at - timedelta(days=3)))
    good = values(client, ca)
    return {
        "external-system-mtls-data": good,
        "without-cacert": {"cert": good["cert"], "key": good["key"]},
        "expired": good | {"cert": cert_pem(expired), "key": key_pem(expired)},
        "other-key": good | {"key": key_pem(other)},
        "encrypted-key": good | {"key": key_pem(client, password=PASSWORD)},
    }


def values(client: Issued, ca: Issued) -> dict[str, bytes]:
    """What a Secret holds for a client with certificate and key."""
    return {"cert": cert_pem(client), "key": key_pem(client), "cacert": cert_pem(ca)}


def write_secrets(file: Path, made: Mapping[str, Mapping[str, bytes]]) -> None:
    """Writes the Secrets as one manifest, a List."""
    items = [secret(name, held) for name, held in made.items()]
    file.touch(mode=0o600)
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")


def secret(name: str, held: Mapping[str, bytes]) -> dict[str, object]:
    """The manifest of one Secret."""
    coded = {key: base64.b64encode(value).decode() for key, value in held.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "devel"}, "data": coded}
