"""Keeps the webhook configurations that block or inject: reads what values say, and mends what differs.

Whoever calls this leads. What a configuration should be is said by `stated`, in what it differs by `entries`, whether
its entries may be `Fail` by `proof`.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webhook.kubeapi.errors import Forbidden, NotFound
from webhook.kubeapi.resource import CONFIG_MAPS, MUTATING, NAMESPACES, VALIDATING, Resource
from webhook.leader.api import ApplyApi
from webhook.leader.enforcement_plan import DesiredConfiguration, DesiredState, InvalidDesiredState, read_stated
from webhook.leader.failure_policy import ProbeHistory
from webhook.leader.installation import CLUSTER_ROLES, Installation
from webhook.leader.probe import ProbeOutcome, probe
from webhook.leader.webhook_entries import RepairAction, act, entries_of, service_of, value_of
from webhook.model.raw_object import Manifest, dig, text

MANAGER = "mtls-guard-entries"
_REPAIRS = 3
_FAILED = "the probe failed"
_WAITS = "nothing is enforced yet: the known-bad object was not denied by us"

_MEANWHILE = {
    VALIDATING: "objects were not judged",
    MUTATING: "Pods that opted in started without their files",
}

Tell = Callable[[str, Mapping[str, object]], None]
"""Takes constant text, and what varies."""
Policies = Mapping[str, str]
"""The failurePolicy of each entry."""


@dataclass(slots=True)
class ConfigurationState:
    """What is remembered of one configuration.

    seen: it was there in the last round. enforces: each entry that should be `Fail` is. repairs: rounds in a row in
    which it had to be put back. restored: how often it was created again after a deletion by others.
    """

    proof: ProbeHistory = field(default_factory=ProbeHistory)
    seen: bool = False
    enforces: bool = False
    repairs: int = 0
    restored: int = 0


class EnforcementReconciler:
    """The enforcing and the injecting configurations of an installation.

    stated: what values said in the last round. kept: by names of configurations. outcomes: of probes, by their word.
    """

    def __init__(self, api: ApplyApi, installation: Installation, tell: Tell) -> None:
        self.api, self.installation, self.tell = api, installation, tell
        self.stated: DesiredState | None = None
        self.kept: dict[str, ConfigurationState] = {}
        self.outcomes: dict[str, int] = {}
        self._problems: dict[tuple[str, str], str] = {}

    def keep(self) -> None:
        """Creates or repairs them; removes them while the namespace is being deleted; nothing after an uninstall.

        Raises:
            ClusterError: the API server cannot be asked, or refuses.
        """
        if self._is_leaving():
            self.leave()
            return
        owner = self._find(CLUSTER_ROLES, "", self.installation.name)
        removed = not owner or dig(owner, "metadata", "deletionTimestamp")
        self.stated = None if removed else self._read()
        for configuration in self.stated.kept if self.stated else ():
            self._settle(configuration, owner or {})

    def prove(self) -> None:
        """Tries the probe where an entry is, or should be, `Fail`, and does what follows from it.

        Raises:
            ClusterError: as above.
        """
        probed = [each for each in self.stated.kept if any(map(each.enforces, each.entries))] if self.stated else []
        if not self.stated or not probed:
            return
        outcome = probe(self.api, self.installation, self.stated.enforcing.entries.keys(), secrets.token_hex(16))
        self.outcomes[outcome.word] = self.outcomes.get(outcome.word, 0) + 1
        for configuration in probed:
            mutates = configuration.resource is MUTATING
            self._note(configuration, outcome, reached=outcome.mutating if mutates else outcome.validating)
        kept = [self.kept[each.name] for each in probed]
        if any(each.proof.allows not in (None, each.enforces) for each in kept):
            self.keep()

    def leave(self) -> None:
        """Removes what could block, since nothing of this installation will answer any more.

        Raises:
            ClusterError: as above.
        """
        self.stated = None
        mutating = ((MUTATING, name) for name in (self.installation.injecting, self.installation.last))
        for resource, name in ((VALIDATING, self.installation.enforcing), *mutating):
            live = self._find(resource, "", name)
            if live:
                self._do(resource, RepairAction("delete", live))
                self.tell("the namespace is being deleted: the configuration was removed", {"configuration": name})

    def _settle(self, configuration: DesiredConfiguration, owner: Manifest) -> None:
        """Does what is next with one of them."""
        kept = self.kept.setdefault(configuration.name, ConfigurationState())
        live = self._find(configuration.resource, "", configuration.name)
        if configuration.broken or _moves(configuration, live):
            kept.proof = ProbeHistory(needs=kept.proof.needs)
        if kept.seen and live is None and configuration.entries:
            kept.proof, kept.restored = kept.proof.fallen(), kept.restored + 1
            meanwhile = _MEANWHILE[configuration.resource]
            fields = {"configuration": configuration.name, "meanwhile": meanwhile}
            self.tell("the webhook configuration was deleted by others", fields)
        policies = {entry: _policy(configuration, entry, live, kept.proof.allows) for entry in configuration.entries}
        step = act(configuration.expected(policies), owner, live)
        enforces = all(policies[entry] == "Fail" for entry in policies if configuration.enforces(entry))
        decided = configuration.broken or enforces != kept.enforces
        if step and (decided or step.verb != "replace" or not self._is_fought_over(configuration, kept)):
            self._do(configuration.resource, step)
            self.tell(_why(step, live, policies, kept.proof), {"configuration": configuration.name, **policies})
        kept.proof = kept.proof.fallen() if _falls(live, policies, kept.proof) else kept.proof
        kept.proof = kept.proof.risen() if enforces and not kept.enforces else kept.proof
        kept.repairs = kept.repairs if step else 0
        kept.seen, kept.enforces = bool(configuration.entries), enforces

    def _is_fought_over(self, configuration: DesiredConfiguration, kept: ConfigurationState) -> bool:
        """Whether it had to be put back in each of the last rounds; then every twelfth round is enough."""
        kept.repairs += 1
        fought = kept.repairs > _REPAIRS and kept.repairs % 12 != 0
        if fought:
            owners = f"kubectl get {configuration.resource.kind.lower()} -o yaml --show-managed-fields shows by whom"
            self._complain(configuration.name, "the webhook configuration keeps being changed by others", owners)
        return fought

    def _note(self, configuration: DesiredConfiguration, outcome: ProbeOutcome, *, reached: bool | None) -> None:
        """Takes an outcome down; says what is wrong once, until it changes."""
        kept = self.kept.setdefault(configuration.name, ConfigurationState())
        kept.proof = kept.proof.after(reached)
        if reached:
            for why in (_FAILED, _WAITS):
                self._problems.pop((configuration.name, why), None)
            return
        problem = outcome.problem or "the mutating webhook was left out: the API server could not reach it"
        self._complain(configuration.name, _FAILED if kept.enforces else _WAITS, problem)

    def _do(self, resource: Resource, step: RepairAction) -> None:
        """Writes it. Created by apply, since RBAC then knows the name; else over exactly what was read."""
        if step.verb == "create":
            self.api.apply(resource, step.manifest, MANAGER, force=True)
        elif step.verb == "replace":
            self.api.replace(resource, step.manifest)
        else:
            metadata = step.manifest["metadata"]
            self.api.delete(
                resource, "", text(metadata.get("name")), {"preconditions": {"uid": metadata.get("uid", "")}}
            )

    def _read(self) -> DesiredState | None:
        """What values say; None where nothing must be touched."""
        config_map = self._find(CONFIG_MAPS, self.installation.namespace, self.installation.config_map)
        if not config_map:
            return None
        try:
            return read_stated(config_map, self.installation)
        except InvalidDesiredState as error:
            self._complain("", "the webhook configurations cannot be read from their ConfigMap", str(error))
            return None

    def _is_leaving(self) -> bool:
        """Whether our namespace is being deleted."""
        try:
            namespace = self._find(NAMESPACES, "", self.installation.namespace)
        except Forbidden:  # rights of a chart before this one
            return False
        return dig(namespace, "metadata", "deletionTimestamp") is not None

    def _find(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """The object, None where there is none."""
        try:
            return self.api.get(resource, namespace, name)
        except NotFound:
            return None

    def _complain(self, about: str, why: str, problem: str) -> None:
        """Says it once, until it changes. about: a configuration."""
        if self._problems.get((about, why)) != problem:
            self._problems[about, why] = problem
            self.tell(why, {"configuration": about, "problem": problem} if about else {"problem": problem})


def _policy(configuration: DesiredConfiguration, name: str, live: Manifest | None, allows: bool | None) -> str:  # noqa: FBT001  # of a Proof
    """The failurePolicy of an entry as it may be now: `Fail` stays `Fail`, as long as it asks the same Service."""
    if not configuration.enforces(name) or allows is False or live is None:
        return "Ignore"
    before = entries_of(live).get(name)
    stays = before is not None and value_of(before, "failurePolicy") == "Fail"
    same = before is not None and service_of(before) == service_of(configuration.entries[name])
    return "Fail" if allows or (stays and same) else "Ignore"


def _moves(configuration: DesiredConfiguration, live: Manifest | None) -> bool:
    """Whether an entry asks another Service than it should: what was proved was proved of that one."""
    there = entries_of(live or {})
    return any(
        name in there and service_of(there[name]) != service_of(entry) for name, entry in configuration.entries.items()
    )


def _falls(live: Manifest | None, policies: Policies, proof: ProbeHistory) -> bool:
    """Whether entries have just been taken back because the API server does not reach us."""
    before = entries_of(live or {})
    return proof.allows is False and any(
        value_of(entry, "failurePolicy") == "Fail" != policies.get(name) for name, entry in before.items()
    )


def _why(step: RepairAction, live: Manifest | None, policies: Policies, proof: ProbeHistory) -> str:
    """Why a configuration was written."""
    before = {name: value_of(entry, "failurePolicy") for name, entry in entries_of(live or {}).items()}
    if step.verb == "create":
        return "the webhook configuration was created"
    if step.verb == "delete":
        return "the webhook configuration was deleted: values name no entry of it"
    if _falls(live, policies, proof):
        return "the entries enforce no more: the API server does not reach us"
    if any(policies[name] == "Fail" != before.get(name) for name in policies):
        return "the entries enforce from now on: a known-bad object was denied"
    return "the webhook configuration was brought to what values say"
