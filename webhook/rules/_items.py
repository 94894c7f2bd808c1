"""Which `items` would make the files that a rule reads from the keys that a Secret has; shared by the rules on keys."""

from collections.abc import Mapping

from webhook.model.chain import Chain
from webhook.model.material import Material
from webhook.rules._words import quote


def items(chains: list[Chain], keys: Mapping[str, Material]) -> str:
    """`"items":[{"key":"tls.crt","path":"cert"}]` for these chains, '' where it is not clear which key is which."""
    entries = {chain.file.key: chain.file.key if chain.file.key in keys else _fitting(chain, keys) for chain in chains}
    json_items = (f'{{"key":{quote(key)},"path":{quote(path)}}}' for path, key in entries.items() if path)
    return f'"items":[{",".join(json_items)}]' if entries and all(entries.values()) else ""


def _fitting(chain: Chain, keys: Mapping[str, Material]) -> str:
    """The only key that holds what the file is for, '' where there is none, or more than one."""
    fitting = [key for key, material in keys.items() if _fits(chain.field, material)]
    return fitting[0] if len(fitting) == 1 else ""


def _fits(field: str, material: Material) -> bool:
    certificate = material.certificates[0] if material.certificates else None
    if field == "privateKey":
        return bool(material.keys) and certificate is None
    if field == "clientCertificate":
        return certificate is not None and certificate.is_ca is not True
    return field == "caCertificates" and certificate is not None and certificate.is_ca is True
