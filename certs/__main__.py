"""`python -m certs FOLDER`: writes CA, server and client files for a person who wants to try."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from certs.bundle import Partners, partners
from certs.encode import cert_pem, key_pem


def files(made: Partners) -> dict[str, bytes]:
    """File name -> PEM; the client's files are named as the keys of the worked example's Secret."""
    return {
        "client/cert": cert_pem(made.client),
        "client/key": key_pem(made.client),
        "client/cacert": cert_pem(made.ca),
        "server/tls.crt": cert_pem(made.server),
        "server/tls.key": key_pem(made.server),
        "server/ca.crt": cert_pem(made.ca),
        "ca/ca.crt": cert_pem(made.ca),
        "ca/ca.key": key_pem(made.ca),
    }


def write(folder: Path, made: Partners) -> None:
    """Writes the files; keys are for the owner only."""
    for name, content in files(made).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line, writes the files, says what to do with them."""
    parser = argparse.ArgumentParser(
        prog="python -m certs", description="Make a CA, a server and a client to try with."
    )
    parser.add_argument("folder", type=Path, help="where the files go; it is made when it is not there")
    parser.add_argument("--days", type=int, default=365, help="valid for so many days (default: 365)")
    options = parser.parse_args(arguments)
    write(options.folder, partners(datetime.now(UTC), days=options.days))
    client = options.folder / "client"
    print(f"kubectl -n devel create secret generic external-system-mtls-data --from-file={client}")


if __name__ == "__main__":
    main()
