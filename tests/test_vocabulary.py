"""The words of examples: each makes bytes, the same within one process, and stands where it was written."""

import pytest

from certs import vocabulary
from certs.vocabulary import BINARY, PARTS, PEOPLE, fill, word
from webhook.examples import AT
from webhook.material import read_material


@pytest.mark.parametrize("name", PEOPLE)
def test_everyone_has_a_certificate_and_its_key(name: str) -> None:
    """The key of each is the certificate's own."""
    certificate, key = read_material(word(f"@{name}.cert")), read_material(word(f"@{name}.key"))
    assert certificate.certificates[0].public_key == key.keys[0].public_key


@pytest.mark.parametrize("part", [*PARTS, *BINARY])
def test_every_part_can_be_written(part: str) -> None:
    """Of a CA a revocation list, of serial 1 the negative one, of a chained client the rest."""
    who = {"crl": "ca", "negative-serial": "serial-one"}.get(part, "chained")
    assert word(f"@{who}.{part}") == word(f"@{who}.{part}") or part in ("crl", "encrypted-key", "p12")


def test_examples_and_certificates_agree_on_the_instant() -> None:
    """What is expired in the vocabulary is expired when an example is judged."""
    assert vocabulary.AT == AT


def test_words_are_replaced_in_secrets_only() -> None:
    """A value that is no word, and an object that is no Secret, stay as they are."""
    pod = {"kind": "Pod", "data": {"cert": "@client.cert"}}
    assert fill(pod) == pod
    secret = fill({"kind": "Secret", "stringData": {"cert": "@ca.cert", "note": "plain"}})
    assert secret["stringData"] == {"cert": word("@ca").decode(), "note": "plain"}
