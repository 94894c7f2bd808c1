"""One TLS handshake with a server, verified by whoever is handed in."""

import socket
import ssl

SECONDS = 5.0


def handshake(address: tuple[str, int], server_name: str, context: ssl.SSLContext) -> str:
    """What is wrong with the server's certificate, or with the way to it, else ''."""
    try:
        plain = socket.create_connection(address, timeout=SECONDS)
        with plain, context.wrap_socket(plain, server_hostname=server_name):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (ssl.SSLError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
