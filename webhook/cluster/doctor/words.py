"""The words of an examination: a check, and what is examined."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. good: None where it could not be told. remedy: what to type, else ''."""

    name: str
    good: bool | None
    told: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is examined: the release's namespace, and the name that all its objects carry.

    inside: whether a replica examines itself, with its own rights.
    """

    namespace: str
    name: str
    inside: bool = False

    @property
    def enforcing(self) -> str:
        """The name of the configuration that the leader keeps."""
        return f"{self.name}-enforcing"

    @property
    def upgrade(self) -> str:
        """What puts back what the chart brings, with the values that were given; also what others have changed."""
        flags = "--reset-then-reuse-values --force-conflicts"
        return f"helm upgrade {self.name} charts/mtls-guard -n {self.namespace} {flags}"

    @property
    def restart(self) -> str:
        """What begins anew, without losing a review."""
        return self.kubectl(f"rollout restart deployment/{self.name}")

    @property
    def logs(self) -> str:
        """What tells more."""
        return self.kubectl(f"logs deployment/{self.name} --all-pods --tail=50")

    def kubectl(self, words: str) -> str:
        """A command in its namespace."""
        return f"kubectl -n {self.namespace} {words}"


Handshake = Callable[[bytes, int], str]
"""Makes a TLS connection to a replica, which listens on that port, verified by this bundle (PEM); says what is wrong
with it, '' for nothing."""
