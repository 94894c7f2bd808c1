"""What a refusal of a file is: a code, who refuses, which block; the words for people are the rules' to choose."""

from dataclasses import dataclass
from typing import Literal

from webhook.model.material import KeyFacts, Material

Program = Literal["agent", "envoy"]
Role = Literal["certificate", "key", "ca", "crl"]


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """Why a program does not load a file. role: what that file is for. block: which of its blocks, -1: none alone.

    code: `empty`; `no-block` (no PEM: the material's form says what it is); `glued`; `unreadable-block` (PEM that
    cannot be decoded); `swapped` (a key where the certificate belongs, or the other way round); `no-certificate`,
    `no-key` (PEM of other kinds); `unreadable-certificate`, `unreadable-key`, `unreadable-crl`;
    `not-first` (something stands before the certificate); `leaf-not-first` (the key belongs to a later certificate);
    `mismatch` (it belongs to none); `encrypted`; `inconsistent-key`; `wrong-label`; `negative-serial`;
    `small-rsa`, `curve`, `key-type` (kinds of key that are not taken).
    certain: False where our reader and the program's may differ.
    """

    code: str
    by: Program
    role: Role
    block: int = -1
    certain: bool = True


def no_pem_block(material: Material, by: Program, role: Role) -> LoadFailure | None:
    """Why a program finds no PEM block at all, None when it finds one."""
    if any(block.agent if by == "agent" else block.envoy for block in material.blocks):
        return None
    if material.blocks and material.form != "bom":  # the mark hides the first BEGIN line
        return LoadFailure("glued" if material.glued else "unreadable-block", by, role, 0)
    return LoadFailure("empty" if material.form == "empty" else "no-block", by, role)


def mismatch(certificate: Material, key: KeyFacts, by: Program) -> LoadFailure:
    """A key that is not the first certificate's: of a later one, or of none."""
    for index, block in enumerate(certificate.blocks):
        if block.certificate is not None and block.certificate.public_key == key.public_key:
            return LoadFailure("leaf-not-first", by, "certificate", index)
    return LoadFailure("mismatch", by, "key")
