"""A certificate and its key as one file that only we can read, for `tls` to serve; in memory where that can be."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from webhook.serving.authority import Pair, cert_pem, key_pem

MEMORY = Path("/dev/shm")  # noqa: S108  # a file system in memory, in a container too; the folder in it is ours alone


class PrivateFile:
    """Where the certificate that is served lies: one file, so that certificate and key change at one instant.

    It is made before the server's workers are forked, which write to it too; the process that made it removes it.
    """

    def __init__(self, memory: Path = MEMORY) -> None:
        """Makes a folder that nobody else can enter. memory: where, unless TMPDIR names a place, or it is closed."""
        there = os.environ.get("TMPDIR") or (memory if os.access(memory, os.W_OK) else None)
        folder = tempfile.mkdtemp(prefix="mtls-guard-", dir=there)
        self.path = Path(folder) / "tls.pem"
        self._owner = os.getpid()
        self._written: Pair | None = None
        atexit.register(self.remove)

    def write(self, pair: Pair) -> bool:
        """Puts the pair in the place of what was served; False when it is the same one."""
        if pair == self._written:
            return False
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(cert_pem(pair.certificate) + key_pem(pair.key))
        fresh.replace(self.path)
        self._written = pair
        return True

    def remove(self) -> None:
        """Removes folder and file, where this is the process that made them."""
        if os.getpid() == self._owner:
            shutil.rmtree(self.path.parent, ignore_errors=True)
