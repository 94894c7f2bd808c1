"""Merges the DestinationRules of one namespace for one host, as istiod does before any lookup.

`destination_rules` decides which of them are merged and which result counts. Behaviour: Istio 1.31,
pilot/pkg/model/destination_rule.go, with ENABLE_ENHANCED_DESTINATIONRULE_MERGE on (the default since 1.24).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.istio.pilot.services import served
from webhook.model.mesh import DestinationRule, Mesh, Subset, TrafficPolicy

_PRIVATE = frozenset({"."})
_UNDATED = "~"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What the lookup finds: one rule, or several made one. Compared by identity.

    rule: the oldest, whose name, selector and exportTo count. policy_owner and subset_owners: who wrote which part.
    members: every rule that went into it, the oldest first.
    """

    rule: DestinationRule
    export: frozenset[str]
    policy: TrafficPolicy | None
    policy_owner: DestinationRule
    subsets: tuple[Subset, ...]
    subset_owners: tuple[DestinationRule, ...]
    members: tuple[DestinationRule, ...]

    @property
    def settings(self) -> bool:
        """Whether any tls block stands in it."""
        policies = (self.policy, *(subset.policy for subset in self.subsets))
        return any(policy is not None and policy.settings() for policy in policies)


@dataclass(frozen=True, slots=True)
class Merged:
    """The rules of one namespace and host, merged for each step of the lookup.

    local: what clients of that namespace find. exported: what others may find. private: those that never leave.
    """

    local: tuple[Entry, ...]
    exported: tuple[Entry, ...]
    private: tuple[Entry, ...]


def rank(rule: DestinationRule) -> tuple[bool, str, str, str]:
    """Sorts rules as istiod does: those with a selector first, then by age, name and namespace.

    A rule without timestamp is taken for the youngest: it is the one about to be created.
    """
    return (rule.selector is None, rule.created or _UNDATED, rule.ref.name, rule.ref.namespace)


def export_set(rule: DestinationRule) -> frozenset[str]:
    """The set of exportTo, literally; a rule with a workloadSelector never leaves its namespace."""
    return frozenset(rule.export_to) if rule.selector is None else _PRIVATE


def merge(rules: Iterable[DestinationRule]) -> tuple[Entry, ...]:
    """The entries that rules of one host and namespace make, in the given order, which is that of `rank`.

    A rule that joins an older one may vanish as a rule of its own: also a namespace-wide one that joins one with a
    selector and an equal exportTo (istio#58322).
    """
    entries: list[Entry] = []
    for rule in rules:
        export, apart = export_set(rule), True
        for index, entry in enumerate(entries):
            joins, apart = _meets(entry, rule, export)
            if joins:
                entries[index] = _joined(entry, rule)
        if apart:
            entries.append(_alone(rule, export))
    return tuple(entries)


def _meets(entry: Entry, rule: DestinationRule, export: frozenset[str]) -> tuple[bool, bool]:
    """Whether the rule joins the entry, and whether it then still stands apart; the last entry met decides that."""
    wider = bool(entry.export) and export > entry.export
    if export != entry.export and not wider:
        return False, True
    if entry.rule.selector is not None and rule.selector is not None:
        same = dict(entry.rule.selector) == dict(rule.selector)
        return same, not same
    if entry.rule.selector is None and rule.selector is None:
        return True, False
    return True, wider


def _alone(rule: DestinationRule, export: frozenset[str]) -> Entry:
    return Entry(rule, export, rule.policy, rule, rule.subsets, (rule,) * len(rule.subsets), (rule,))


def _joined(entry: Entry, rule: DestinationRule) -> Entry:
    """The entry with the subsets that it lacks, and the rule's policy only if it has none at all."""
    subset_names = {subset.name for subset in entry.subsets}
    added = tuple(subset for subset in rule.subsets if subset.name not in subset_names)
    takes = entry.policy is None and rule.policy is not None
    return Entry(
        entry.rule,
        entry.export,
        rule.policy if takes else entry.policy,
        rule if takes else entry.policy_owner,
        (*entry.subsets, *added),
        (*entry.subset_owners, *(rule for _ in added)),
        (*entry.members, rule),
    )


def orders(rules: tuple[DestinationRule, ...]) -> tuple[tuple[DestinationRule, ...], ...]:
    """The other orders that are as likely, since several rules have no timestamp: each of them once the oldest.

    Empty when the order is known. Rules with and without selector never change places.
    """
    alternatives = []
    for rule in rules:
        rivals = [rival for rival in rules if not rival.created and (rival.selector is None) == (rule.selector is None)]
        if rule.created or len(rivals) < 2 or rule is rivals[0]:
            continue
        moved = iter([rule, *(rival for rival in rivals if rival is not rule)])
        alternatives.append(
            tuple(next(moved) if any(rival is undated for undated in rivals) else rival for rival in rules)
        )
    return tuple(alternatives)


def merged_at(rules: tuple[DestinationRule, ...], mesh: Mesh) -> Merged:
    """The rules of one namespace and host as each step of the lookup finds them, without those of other revisions."""
    mine = tuple(rule for rule in rules if not rule.labels or served(rule.labels, mesh))
    local = tuple(rule for rule in mine if _is_local(rule))
    private = tuple(rule for rule in mine if is_private(rule, mesh))
    exported = tuple(rule for rule in mine if rule not in private) if private else mine
    entries = merge(local)
    same = local == exported
    return Merged(entries, entries if same else merge(exported), merge(private))


def is_private(rule: DestinationRule, mesh: Mesh) -> bool:
    """Whether the rule never leaves its namespace; of the mesh's default only `.` is honoured."""
    export = export_set(rule)
    if not export:
        return "." in mesh.default_destination_rule_export_to
    return export in (_PRIVATE, frozenset({rule.ref.namespace}))


def _is_local(rule: DestinationRule) -> bool:
    export = export_set(rule)
    return not export or not export.isdisjoint(("*", ".", rule.ref.namespace))
