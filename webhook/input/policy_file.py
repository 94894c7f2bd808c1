"""Reads the file of `--policy`."""

from collections.abc import Sequence
from pathlib import Path

from webhook.policy import BadPolicy, Policy, load_policy


def read_policy(file: str | None, known: Sequence[str]) -> Policy:
    """The policy in the file, or the default one. known: the ids of all rules.

    Raises:
        BadPolicy: it cannot be read or understood.
    """
    if file is None:
        return Policy()
    try:
        return load_policy(Path(file).read_text(encoding="utf-8-sig"), file, known)
    except OSError as fault:
        raise BadPolicy([f"{file}: cannot be read: {fault.strerror or fault}"]) from fault
    except UnicodeError as fault:
        raise BadPolicy([f"{file}: cannot be read: not UTF-8"]) from fault
