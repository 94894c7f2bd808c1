"""The certificate that others issue, in mounted files: served from a private copy, and changed only once it is trusted.

A renewed pair is taken up when every bundle that the API server holds verifies it, or when the old one has ended: the
files of one replica change before those of another, and before the leader has seen the new CA.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from webhook import logs
from webhook.leader.ca_bundle_plan import Blocks, blocks_of
from webhook.leader.ca_bundle_sync import CaBundleSync
from webhook.serving.certificate_expiry import end_of
from webhook.serving.key_file import PrivateFile
from webhook.serving.tls import BadCertificate, load_context


@dataclass(frozen=True, slots=True)
class MountedFiles:
    """Where certificate and private key are mounted, and the CA certificates that verify them, if they are."""

    certificate: Path
    key: Path
    authorities: Path | None = None


class MountedCertificate:
    """The certificate of an installation whose Secret is somebody else's, as one replica serves it."""

    def __init__(self, files: MountedFiles, file: PrivateFile) -> None:
        """Takes up what is mounted now.

        Raises:
            BadCertificate: it cannot serve.
        """
        self.files, self.file = files, file
        self._refused = ""
        load_context(files.certificate, files.key)
        file.put(self._content())

    @property
    def authorities(self) -> Blocks:
        """The CAs that are mounted beside the certificate."""
        try:
            return blocks_of(self.files.authorities.read_bytes()) if self.files.authorities else ()
        except OSError:
            return ()

    @property
    def path(self) -> Path:
        """The file that is served."""
        return self.file.path

    def round(self, at: datetime, trust: CaBundleSync | None, *, leads: bool) -> bool:  # noqa: ARG002  # every replica alike
        """Serves what is mounted now, if it can be; whether that waits for the bundles."""
        try:
            load_context(self.files.certificate, self.files.key)
            content = self._content()
            candidate = self.file.beside(content)
            load_context(candidate, candidate)
        except BadCertificate as error:
            self._refuse("renewed certificate refused, the old one stays", str(error), logging.ERROR)
            return False
        problem = trust.verification_error(candidate, at) if trust and not self.file.holds(content) else ""
        end = end_of(self.file.path)
        if problem and (end is None or at < end):
            self._refuse("the renewed certificate waits until every CA bundle verifies it", problem, logging.INFO)
            return True
        if self.file.put(content):
            ends = end_of(self.file.path)
            logs.tell("the serving certificate was taken up", {"leaf": ends.isoformat() if ends else ""})
        self._refused = ""
        return False

    def _content(self) -> bytes:
        """Certificate and private key.

        Raises:
            BadCertificate: they went away just now.
        """
        try:
            return self.files.certificate.read_bytes() + b"\n" + self.files.key.read_bytes()
        except OSError as error:
            raise BadCertificate(f"{error.filename} cannot be read: {error.strerror}") from error

    def _refuse(self, why: str, problem: str, level: int) -> None:
        """Says it once, until it changes."""
        if problem != self._refused:
            self._refused = problem
            logs.tell(why, {"problem": problem}, level)
