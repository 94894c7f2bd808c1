"""One file set as links: where it is used, by which rules, its files, and whether key and certificate are a pair."""

from collections.abc import Iterator

from webhook.model.chain import Credential, Origination
from webhook.report.file_nodes import file_link
from webhook.report.tree_node import Link, LinkState
from webhook.trace.workload import WorkloadPicture

GOALS, RULES = 3, 5
"""Destinations named and rules drawn of those that share one file set."""


def credential_link(picture: WorkloadPicture, credential: Credential) -> Link:
    """The file set, under the destinations that it is used for."""
    goals = list(dict.fromkeys(user.goal for user in credential.users))
    link = Link(LinkState.PLAIN, f"{', '.join(goals[:GOALS])}{_more(len(goals) - GOALS)}")
    link.below.extend(_rules(credential))
    chains = (credential.certificate, credential.key, credential.ca, credential.crl)
    link.below.extend(file_link(picture, chain) for chain in chains if chain is not None)
    link.below.extend(_pair(credential))
    return link


def _rules(credential: Credential) -> Iterator[Link]:
    """Each rule that has the files read, with its TLS as it is in force; those that say the same stand together."""
    drawn = {(user.rule.ref, summary): None for user in credential.users for summary in [_said(user)]}
    for ref, summary in list(drawn)[:RULES]:
        yield Link(LinkState.HOLDS, f"{ref}: {summary}", ((ref, ""),))
    if len(drawn) > RULES:
        yield Link(LinkState.PLAIN, f"and {len(drawn) - RULES} more rules or subsets that read the same files")


def _said(user: Origination) -> str:
    """`MUTUAL, sni external.system.com`."""
    tls = user.tls
    names = f"subjectAltNames {', '.join(tls.subject_alt_names)}" if tls.subject_alt_names else ""
    subset = f"subset {user.subset}" if user.subset else ""
    return ", ".join(filter(None, (tls.mode or "no mode", f"sni {tls.sni}" if tls.sni else "", names, subset)))


def _pair(credential: Credential) -> Iterator[Link]:
    """Whether the private key belongs to the certificate; nothing where one of the two cannot be read."""
    certificate, key = credential.certificate, credential.key
    if certificate is None or key is None or certificate.file.absent or key.file.absent:
        return
    certificates = certificate.file.material.certificates if certificate.file.material else ()
    keys = key.file.material.keys if key.file.material else ()
    if not (certificates and keys and keys[0].public_key):
        return
    if keys[0].public_key == certificates[0].public_key:
        yield Link(LinkState.HOLDS, "the private key belongs to the certificate")
        return
    later = any(candidate.public_key == keys[0].public_key for candidate in certificates)
    whose = "to a later certificate of that file, not to the first" if later else "to another certificate"
    files = [(file.object, f'key "{file.key}"') for file in (key.file, certificate.file)]
    places = tuple((ref, path) for ref, path in files if ref is not None)
    yield Link(LinkState.BROKEN, f"the private key belongs {whose}", places)


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
