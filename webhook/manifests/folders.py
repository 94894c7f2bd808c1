"""Finds the files that a person means by a path; opens none of them."""

import os
from collections.abc import Iterator
from pathlib import Path

from webhook.manifests.document import STDIN
from webhook.model.source_location import Unreadable

SUFFIXES = (".yaml", ".yml", ".json")


def find_files(path: str) -> Iterator[str | Unreadable]:
    """Every manifest file that a path means, in a fixed order; a folder that cannot be listed is Unreadable.

    A file counts whatever its name is; in a folder *.yaml, *.yml and *.json count, and what is hidden does not.
    Symbolic links are followed; a folder that leads back to itself is entered once.
    """
    if path != STDIN and Path(path).is_dir():
        yield from _below(path, set())
    else:
        yield path


def _below(folder: str, entered: set[str]) -> Iterator[str | Unreadable]:
    """The manifest files of one folder and of those in it, by name."""
    real_path = os.path.realpath(folder)
    if real_path in entered:
        return
    entered.add(real_path)
    try:
        names = sorted(entry.name for entry in Path(folder).iterdir())
    except OSError as fault:
        yield Unreadable(folder, 0, f"cannot be listed: {fault.strerror or fault}")
        return
    for name in names:
        path = str(Path(folder) / name)
        if name.startswith("."):
            continue
        if Path(path).is_dir():
            yield from _below(path, entered)
        elif name.lower().endswith(SUFFIXES) and (Path(path).is_file() or Path(path).is_symlink()):
            yield path
