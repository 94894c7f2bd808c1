"""Whether the API server would accept a certificate: a TLS handshake in memory, without a socket.

As Go verifies a webhook: any certificate of the bundle is an anchor, not only one that signs itself, and extensions
that RFC 5280 asks of a CA, but older tools left out, are not missed.
"""

import ssl
from pathlib import Path

_STEPS = 8


def verification_error(bundle: bytes, file: Path, host: str) -> str:
    """What is wrong with serving the certificate in the file to a client with that bundle, '' where nothing is.

    file: certificates and private key, PEM. host: the name that the client asks for.
    """
    try:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        client.verify_flags &= ~ssl.VERIFY_X509_STRICT
        client.load_verify_locations(cadata=bundle.decode("ascii"))
        _shake(client, server, host)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (ssl.SSLError, OSError, ValueError) as error:
        return str(error)
    return ""


def _shake(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """Handshakes to the end of the client's part; raises where the client refuses the certificate."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(down, up, server_hostname=host)
    theirs = server.wrap_bio(up, down, server_side=True)
    for _ in range(_STEPS):
        try:
            ours.do_handshake()
        except ssl.SSLWantReadError:
            _answer(theirs)
        else:
            return
    raise ssl.SSLError("the handshake did not end")


def _answer(theirs: ssl.SSLObject) -> None:
    """The server's next part."""
    try:
        theirs.do_handshake()
    except ssl.SSLWantReadError:
        return
