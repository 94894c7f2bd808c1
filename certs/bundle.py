"""The files of the worked example: one CA, a client and the server that it calls."""

from dataclasses import dataclass
from datetime import datetime

from certs.encode import cert_pem, key_pem
from certs.issue import SERVER_PROFILE, Dates, Issued, make_ca, make_leaf


@dataclass(frozen=True, slots=True)
class Partners:
    """Both sides of one mTLS connection and the CA that both trust."""

    ca: Issued
    client: Issued
    server: Issued


def partners(at: datetime, *, days: int = 365) -> Partners:
    """A CA, a client `CN=client` and a server `external.system.com`, valid around a moment."""
    dates = Dates.around(at, days=days)
    ca = make_ca(dates)
    return Partners(ca, make_leaf(ca, dates), make_leaf(ca, dates, SERVER_PROFILE))


def client_bundle(at: datetime, *, days: int = 365) -> dict[str, bytes]:
    """What the Secret of the worked example holds: `cert`, `key` and `cacert`, PEM, valid around a moment."""
    both = partners(at, days=days)
    return {"cert": cert_pem(both.client), "key": key_pem(both.client), "cacert": cert_pem(both.ca)}
