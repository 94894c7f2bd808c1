"""Until when a certificate in a file is valid."""

from datetime import datetime
from pathlib import Path


def end_of(path: Path) -> datetime | None:
    """The end of the first certificate in the file; None where there is none to read."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
