"""Reads ClientTLSSettings, the tls block of a DestinationRule or of the mesh; says nothing about what it does."""

from webhook.kinds.list_limits import names
from webhook.model.mesh import FileSet, TlsSettings
from webhook.model.raw_object import mapping, text


def read_tls(value: object, path: str) -> TlsSettings | None:
    """The tls block as written, None where there is none. path: of the block itself.

    Only the names of the API count: the API server drops `client_certificate` before Istio sees it.
    """
    if not isinstance(value, dict):
        return None
    files = FileSet(
        text(value.get("clientCertificate")),
        text(value.get("privateKey")),
        text(value.get("caCertificates")),
        text(value.get("caCrl")),
    )
    return TlsSettings(
        mode=text(value.get("mode")),
        path=path,
        files=files,
        credential_name=text(value.get("credentialName")),
        sni=text(value.get("sni")),
        subject_alt_names=names(value.get("subjectAltNames")),
        insecure_skip_verify=mapping(value).get("insecureSkipVerify") is True,
    )
