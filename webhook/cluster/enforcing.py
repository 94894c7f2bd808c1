"""Keeps the enforcing configuration: asks the API server what is there, and does what `entries` says is next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webhook.cluster.asking import Applying
from webhook.cluster.entries import Act, BadEntries, Wanted, act, entries_of, read_wanted, unproved
from webhook.cluster.errors import NotFound
from webhook.cluster.probe import Outcome, probe
from webhook.cluster.resource import CONFIG_MAPS, VALIDATING, Resource
from webhook.model.manifest import Manifest, dig, text

MANAGER = "mtls-guard-entries"
_REPAIRS = 3
CLUSTER_ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)

Tell = Callable[[str, Mapping[str, object]], None]
"""Takes constant text, and what varies."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Which installation this is: its namespace, the name that all of its objects carry, where the probe is tried."""

    namespace: str
    name: str
    probe_namespace: str

    @property
    def enforcing(self) -> str:
        """The name of the configuration that may block."""
        return f"{self.name}-enforcing"

    @property
    def injecting(self) -> str:
        """The name of the configuration that writes into Pods; Istio's come after it."""
        return f"before-istio-{self.name}"


class Enforcing:
    """The enforcing configuration of an installation. Whoever calls this leads.

    waits: whether, when it was last looked at, an entry waited for the probe.
    """

    def __init__(self, api: Applying, installation: Installation, tell: Tell) -> None:
        self.api, self.installation, self.tell = api, installation, tell
        self._told = ""
        self._repairs = 0
        self.waits = False

    def keep(self) -> None:
        """Creates or repairs it; nothing once the installation is being removed.

        Raises:
            ClusterError: the API server cannot be asked, or refuses.
        """
        self._settle(proved=False)

    def prove(self) -> bool:
        """Tries the probe where an entry waits for it, and enforces once it is denied; whether none waits any more.

        Raises:
            ClusterError: as above.
        """
        found = self._situation()
        if not found or not unproved(found[0], found[2]):
            return True
        outcome = probe(self.api, self.installation.probe_namespace, entries_of(found[2] or {}))
        if outcome.denied:
            self._settle(proved=True)
        else:
            self._wait(outcome)
        return outcome.denied

    def _settle(self, *, proved: bool) -> None:
        """Does what is next."""
        found = self._situation()
        step = act(*found, proved=proved) if found else None
        self.waits = found is not None and unproved(found[0], found[2])
        if not found or not step:
            self._repairs = 0
            return
        if step.verb == "replace" and not proved and not found[0].broken and self._is_fought_over():
            self._complain("somebody keeps changing the enforcing configuration", self.installation.enforcing)
            return
        self._do(step)
        entries = {name: text(entry.get("failurePolicy")) for name, entry in entries_of(step.manifest).items()}
        self.tell(step.why, {"configuration": self.installation.enforcing} | entries)

    def _is_fought_over(self) -> bool:
        """Whether it had to be put back in each of the last rounds; then every twelfth round is enough."""
        self._repairs += 1
        return self._repairs > _REPAIRS and self._repairs % 12 != 0

    def _do(self, step: Act) -> None:
        """Writes it. Created by apply, since RBAC then knows the name; else over exactly what was read."""
        if step.verb == "create":
            self.api.apply(VALIDATING, step.manifest, MANAGER, force=True)
        elif step.verb == "replace":
            self.api.replace(VALIDATING, step.manifest)
        else:
            uid = text(dig(step.manifest, "metadata", "uid"))
            self.api.delete(VALIDATING, "", self.installation.enforcing, {"preconditions": {"uid": uid}})

    def _situation(self) -> tuple[Wanted, Manifest, Manifest | None] | None:
        """What is wanted, by whom it is owned, what is there; None where nothing must be touched."""
        owner = self._find(CLUSTER_ROLES, "", self.installation.name)
        if not owner or dig(owner, "metadata", "deletionTimestamp"):
            return None
        config_map = self._find(CONFIG_MAPS, self.installation.namespace, f"{self.installation.name}-entries")
        if not config_map:
            return None
        try:
            wanted = read_wanted(config_map, self.installation.enforcing)
        except BadEntries as error:
            self._complain("the enforcing configuration cannot be read from its ConfigMap", str(error))
            return None
        return wanted, owner, self._find(VALIDATING, "", self.installation.enforcing)

    def _find(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """The object, None where there is none."""
        try:
            return self.api.get(resource, namespace, name)
        except NotFound:
            return None

    def _wait(self, outcome: Outcome) -> None:
        """Says why nothing is enforced yet."""
        self._complain("nothing is enforced yet: the known-bad object was not denied by us", outcome.told)

    def _complain(self, why: str, problem: str) -> None:
        """Says it once, until it changes."""
        if problem != self._told:
            self._told = problem
            self.tell(why, {"problem": problem})
