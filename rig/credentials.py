"""Who is who in a rig: the API server's certificate, service accounts' keys, the administrator's token, kubeconfigs."""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.cluster_authority import SHAPES
from certs.encode import cert_pem, key_pem
from certs.issue import Dates, make_key

API_ADDRESS = "10.96.0.1"
"""The cluster address of Service `kubernetes`: the first of the range."""
SHAPE = "OpenSSL 3.0"
"""The CA has no keyUsage: with the defaults of Python 3.13, nothing that asks this API server would trust it."""
NAMES = ("localhost", "kubernetes.default.svc", "kubernetes", "127.0.0.1", API_ADDRESS)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A folder with `ca.crt`, `server.*`, `accounts.key`, `accounts.pub`, `tokens.csv` and `admin.kubeconfig`."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The CA of the API server."""
        return self.folder / "ca.crt"

    @property
    def admin(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "admin.kubeconfig"

    def write(self, port: int) -> None:
        """Makes all of it anew, for an API server on a port of 127.0.0.1."""
        self.folder.mkdir(mode=0o700)
        dates = Dates.around(datetime.now(UTC), days=30)
        pair = SHAPES[SHAPE].issue(dates, NAMES)
        accounts = make_key()
        token = secrets.token_urlsafe(32)
        files = {
            "ca.crt": cert_pem(pair.ca),
            "server.crt": cert_pem(pair.server),
            "server.key": key_pem(pair.server),
            "accounts.key": key_pem(accounts),
            "accounts.pub": accounts.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "tokens.csv": f"{token},admin,admin,system:masters\n".encode(),
            "admin.kubeconfig": kubeconfig(f"https://localhost:{port}", self.ca, token).encode(),
        }
        for name, content in files.items():
            (self.folder / name).write_bytes(content)


def kubeconfig(server: str, ca: Path, token: str, namespace: str = "default") -> str:
    """The text of a kubeconfig for one user of one cluster."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "rig",
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "rig", "namespace": namespace}}],
            "clusters": [{"name": "rig", "cluster": {"server": server, "certificate-authority": str(ca)}}],
            "users": [{"name": "rig", "user": {"token": token}}],
        },
        indent=1,
    )
