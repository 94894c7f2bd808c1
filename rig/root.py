"""A root folder for a container: this machine's own, bound piece by piece where a mount needs a new place.

Inside a mount namespace only: nothing of it is seen from outside, and nothing outside is changed.
"""

import ctypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BIND, RECURSIVE = 4096, 16384
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, ATTRIBUTE_READ_ONLY = 442, -100, 0x8000, 1
"""Linux 5.12. Source: https://man7.org/linux/man-pages/man2/mount_setattr.2.html"""
EMPTY = ("run",)
"""An image has nothing there; ours holds sockets of this machine."""

_libc = ctypes.CDLL(None, use_errno=True)


class Root:
    """A root folder that is being built. `made`: folders of ours in it, where entries can be added."""

    def __init__(self, folder: Path) -> None:
        """Shows this machine's root at the folder."""
        folder.mkdir()
        self.folder, self.made = folder, {folder}
        mount("tmpfs", folder, "tmpfs")
        for entry in sorted(Path("/").iterdir()):
            self._show(entry, folder / entry.name)

    def mount(self, mounts: Sequence[Mapping[str, Any]], *, read_only: bool) -> None:
        """Binds what a Pod mounts: `{"source": ..., "target": ..., "readOnly": ...}`; all else can be read-only."""
        for one in sorted(mounts, key=lambda one: self._open_depth(one["target"])):
            self._place(
                one["target"], Path(one["source"])
            )  # outer folders are opened first: that hides what is in them
        places = [self._place(one["target"], Path(one["source"])) for one in mounts]
        if read_only:
            seal(self.folder)
        mount("tmpfs", self.folder / "dev" / "shm", "tmpfs")
        for place, one in zip(places, mounts, strict=True):
            mount(one["source"], place, flags=BIND | RECURSIVE)
            if one["readOnly"]:
                seal(place)

    def keep(self, folder: Path) -> None:
        """Shows a folder of this machine at its own path, also where a mount has hidden it."""
        place = self.folder / str(folder).lstrip("/")
        if not (place.exists() and place.samefile(folder)):
            place.mkdir(parents=True, exist_ok=True)
            mount(folder, place, flags=BIND | RECURSIVE)
            seal(place)

    def _place(self, target: str, source: Path) -> Path:
        """Where to mount for a path inside; makes it where it is not there."""
        place, names = self.folder, Path(target).parts[1:]
        for depth, name in enumerate(names, start=1):
            if not os.path.lexists(place / name):
                self._open(place)
                if depth == len(names) and source.is_file():
                    (place / name).touch()
                else:
                    (place / name).mkdir()
                    self.made.add(place / name)
            place = self._resolve(place / name)
        return place

    def _open_depth(self, target: str) -> int:
        """How deep the folder lies that must be opened for a path inside."""
        place, depth = self.folder, 0
        for name in Path(target).parts[1:]:
            if not os.path.lexists(place / name):
                break
            place, depth = self._resolve(place / name), depth + 1
        return depth

    def _resolve(self, place: Path) -> Path:
        """The place itself, or what a link there means inside."""
        while place.is_symlink():
            # An absolute link replaces all before it: so it starts at the root that it will have.
            within = Path("/") / place.parent.relative_to(self.folder) / place.readlink()
            place = self.folder / os.path.normpath(within).lstrip("/")
        return place

    def _open(self, place: Path) -> None:
        """Makes a folder writable: a new one over it, with all that it held bound back."""
        if place in self.made:
            return
        held = sorted((Path("/") / place.relative_to(self.folder)).iterdir())
        mount("tmpfs", place, "tmpfs")
        self.made.add(place)
        for entry in held:
            self._show(entry, place / entry.name)

    def _show(self, entry: Path, target: Path) -> None:
        """Shows an entry of this machine at another place: a link as a link, all else bound."""
        if entry.is_symlink():
            target.symlink_to(entry.readlink())
        elif entry.is_dir():
            target.mkdir()
            if entry.name in EMPTY and entry.parent == Path("/"):
                self.made.add(target)
            else:
                mount(entry, target, flags=BIND | RECURSIVE)
        elif entry.exists():
            target.touch()
            mount(entry, target, flags=BIND)


def mount(source: Path | str, target: Path, kind: str = "", flags: int = 0) -> None:
    """The system call.

    Raises:
        OSError: the kernel refused.
    """
    words = [os.fsencode(str(word)) if word else None for word in (source, target, kind)]
    _demand(_libc.mount(*words, flags, None), f"mount {source} on {target}")


def seal(target: Path) -> None:
    """Makes a mount and all in it read-only."""
    attributes = (ctypes.c_uint64 * 4)(ATTRIBUTE_READ_ONLY, 0, 0, 0)
    path = os.fsencode(target)
    answer = _libc.syscall(MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, attributes, ctypes.sizeof(attributes))
    _demand(answer, f"make {target} read-only")


def _demand(answer: int, what: str) -> None:
    """Raises OSError unless a system call went well."""
    if answer:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
