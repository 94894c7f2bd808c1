"""Paths of files inside the sidecar, made comparable: relative ones start at `/`, as its processes do."""

from collections.abc import Iterable, Iterator

LONGEST = 4096
"""PATH_MAX of Linux (include/uapi/linux/limits.h): nothing opens a longer path."""
_DEEPEST = 64


def normal(path: str) -> str:
    """The absolute path without doubled slashes, `.` and `..`: `etc/a//b/../c` is `/etc/a/c`.

    Of a path that is too long for Linux, its beginning.
    """
    parts: list[str] = []
    for part in path[:LONGEST].split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def lineage(path: str) -> Iterator[str]:
    """The path, made normal, and each directory above it up to `/`; of the deepest ones only the upper 64."""
    ancestor = normal(path)
    if ancestor.count("/") > _DEEPEST:
        yield ancestor
        ancestor = "/".join(ancestor.split("/", _DEEPEST + 1)[:-1])
    while ancestor != "/":
        yield ancestor
        ancestor = ancestor.rpartition("/")[0] or "/"
    yield "/"


def parents(paths: Iterable[str]) -> frozenset[str]:
    """Every directory above one of the paths."""
    return frozenset(above for path in paths for above in lineage(path) if above != path)


def is_padded(path: str) -> bool:
    """Whether white space stands before or behind the path, which Istio takes as part of the name."""
    return path != path.strip()


def is_directory(path: str) -> bool:
    """Whether the path, by how it ends, can only be a directory."""
    return path.endswith(("/", "/.", "/.."))


def is_system_misspelt(path: str) -> bool:
    """Whether the path of a CA is the word `system`, for the image's CAs, in a case that Istio does not know."""
    return path != "system" and path.lower() == "system"


def is_plain(path: str) -> bool:
    """Whether the path can be a file's; what is wrong with any other is said of the rule that names it."""
    return not (is_padded(path) or is_directory(path) or is_system_misspelt(path))


def is_possible(path: str) -> bool:
    """Whether a file can have the path: PATH_MAX of Linux is 4,096. Results are kept by no other."""
    return len(path) < 4096
