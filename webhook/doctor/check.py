"""The words of an examination: a check, and what is examined."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from webhook.leader.installation import Installation


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. good: None where it could not be told. remedy: what to type, else ''."""

    name: str
    good: bool | None
    told: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class DoctorContext(Installation):
    """What is examined.

    inside: whether a replica examines itself, with its own rights. account: its ServiceAccount. port: of a replica.
    """

    inside: bool = False
    account: str = ""
    port: int = 10250

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


def follows_from(wrong: Iterable[Check]) -> str:
    """The remedy for a fault that others explain, '' where there are none."""
    names = _names(wrong)
    return names and f"follows from what is wrong above ({names}): mend that first"


def _names(wrong: Iterable[Check]) -> str:
    return ", ".join(dict.fromkeys(each.name for each in wrong if each.good is False))


def by_leader(found: DoctorContext, wrong: Iterable[Check], who: str = "the leader") -> str:
    """The remedy for what the leader, or any replica, repairs by itself."""
    names = _names(wrong)
    if names:
        return f"{who} repairs it as soon as what is wrong above ({names}) is mended"
    return f"{who} repairs it within seconds; where it does not, its log says why: {found.logs}"


Handshake = Callable[[bytes, int], str]
"""Makes a TLS connection to a replica, which listens on that port, verified by this bundle (PEM); says what is wrong
with it, '' for nothing."""
