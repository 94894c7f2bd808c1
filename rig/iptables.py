"""Where iptables is: installed, or Debian's packages, downloaded with apt and unpacked, not installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rig.parts import MachineLacks, cache_folder, lock

PACKAGES = ("iptables", "libxtables12", "libip4tc2", "libip6tc2", "libnftnl11", "libmnl0")
TOOLS = ("iptables", "iptables-restore", "iptables-save", "ip6tables", "ip6tables-restore", "ip6tables-save")
SECONDS = 300


def iptables() -> dict[str, str]:
    """The variables with which `iptables` and its relatives are found, added to those of this process.

    Raises:
        MachineLacks: it is neither installed nor to be had from Debian.
    """
    if all(shutil.which(tool) for tool in TOOLS):
        return {}
    tree = _unpacked() / "usr"
    libraries = next(tree.glob("lib/*/libxtables.so.12")).parent
    return {
        "PATH": f"{tree / 'links'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(libraries),
        "XTABLES_LIBDIR": str(libraries / "xtables"),
    }


def _unpacked() -> Path:
    """The folder with Debian's packages; fetches them unless that was done."""
    folder = cache_folder() / "iptables"
    with lock():
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="iptables.") as made:
                _fetch(Path(made))
                _link(Path(made, "tree", "usr"))
                Path(made, "tree").rename(folder)
    return folder


def _fetch(folder: Path) -> None:
    """Downloads the packages into a folder and unpacks them."""
    try:
        _download(folder)
        for package in folder.glob("*.deb"):
            _run(["dpkg-deb", "--extract", str(package), "tree"], folder)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        raise MachineLacks(f"sidecars: install iptables, which apt could not fetch: {' '.join(said)}") from error


def _download(folder: Path) -> None:
    """Downloads the packages; asks for new lists where those of this machine are missing or too old."""
    download = ["apt-get", "download", "--quiet", *PACKAGES]
    try:
        _run(download, folder)
    except subprocess.CalledProcessError:
        _run(["apt-get", "update", "--quiet"], folder)
        _run(download, folder)


def _link(tree: Path) -> None:
    """Gives the one program, in the form that uses nf_tables, its names."""
    (tree / "links").mkdir()
    for tool in TOOLS:
        (tree / "links" / tool).symlink_to(Path("..", "sbin", "xtables-nft-multi"))


def _run(command: list[str], folder: Path) -> None:
    """A command in a folder, which must go well."""
    subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=True)
