"""A certificate and its key as one file that only we can read, for `tls` to serve; in memory where that can be."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from webhook.serving.ca import CertificatePair, cert_pem, key_pem

MEMORY = Path("/dev/shm")  # noqa: S108  # a file system in memory, in a container too; the folder in it is ours alone


class PrivateFile:
    """Where the certificate that is served lies: one file, so that certificate and key change at one instant.

    It is made before the server's workers are forked, which write to it too; the process that made it removes it.
    """

    def __init__(self, memory: Path = MEMORY) -> None:
        """Makes a folder that nobody else can enter. memory: where, unless TMPDIR names a place, or it is closed."""
        parent = os.environ.get("TMPDIR") or (memory if os.access(memory, os.W_OK) else None)
        folder = tempfile.mkdtemp(prefix="mtls-guard-", dir=parent)
        self.path = Path(folder) / "tls.pem"
        self._owner = os.getpid()
        self._written = b""
        atexit.register(self.remove)

    def write(self, pair: CertificatePair) -> bool:
        """Puts the pair in the place of what was served; False when it is the same one."""
        return self.put(cert_pem(pair.certificate) + key_pem(pair.key))

    def put(self, content: bytes) -> bool:
        """The same for certificates and private key as PEM."""
        if self.holds(content):
            return False
        self.beside(content).replace(self.path)
        self._written = content
        return True

    def holds(self, content: bytes) -> bool:
        """Whether this is what is served."""
        return content == self._written

    def beside(self, content: bytes) -> Path:
        """Writes the content beside what is served, to be looked at; the file that it is in now."""
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        return fresh

    def remove(self) -> None:
        """Removes folder and file, where this is the process that made them."""
        if os.getpid() == self._owner:
            shutil.rmtree(self.path.parent, ignore_errors=True)
