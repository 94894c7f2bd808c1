"""The instant a verdict is about, and how far ahead of it an expiry already counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Horizon:
    """at: aware UTC. warn, deny: how long before notAfter a certificate is reported, refused; zero: once expired."""

    at: datetime
    warn: timedelta = timedelta(days=30)
    deny: timedelta = timedelta()
