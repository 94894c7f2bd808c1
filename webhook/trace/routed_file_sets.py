"""The other file sets of a DestinationRule that a workload uses, to whose port or subset all its calls are routed."""

from webhook.istio.pilot.host_config import chosen
from webhook.istio.pilot.route_resolution import End, http_calls
from webhook.istio.pilot.virtual_services import Caller
from webhook.model.chain import Origination
from webhook.model.finding import ObjectRef
from webhook.model.mesh import FileSet, Service
from webhook.trace.context import WorkloadContext
from webhook.trace.intent_evidence import names_host

_Place = tuple[int, str]
"""Service port and subset."""


def routed(context: WorkloadContext, used: FileSet) -> tuple[FileSet, ...]:
    """File sets of the same DestinationRule and host without which calls fail, because all calls are routed there.

    None if another object changes and the workload used the host before: a change of routes leads to a warning only.
    """
    if context.occasion.former or not used.client_certificate:
        return ()
    users = _users(context, used)
    rules = frozenset(user.rule.ref for user in users)
    derived, key = context.reach.derived, ("routed", id(context.groups), used, rules)
    groups, needed = derived.get(key, (None, ()))
    if groups is not context.groups:  # which keeps them, so that their id is not given to others
        sets = dict.fromkeys(tls.files for user in users for tls in user.rule.settings())
        candidates = [files for files in sets if files != used and files.client_certificate and files in context.groups]
        needed = tuple(files for files in candidates if _needed(context, used, files, rules))
        derived[key] = (context.groups, needed)
    return tuple(needed)


def _users(context: WorkloadContext, used: FileSet) -> tuple[Origination, ...]:
    """The originations of the file set that the workload uses: several teams may read the same paths.

    Those of its namespace's DestinationRules and of the hosts that it names; else those of the only DestinationRule.
    """
    users, names = context.groups[used], context.declaration.destinations
    namespace, hosts = context.workload.namespace, {user.service.host for user in users}
    named = {host for host in hosts if host in names or names_host(context, host)}
    connected = tuple(user for user in users if user.rule.ref.namespace == namespace or user.service.host in named)
    alone = context.occasion.final and len({user.rule.ref for user in users}) == 1
    return connected or (users if alone else ())


def _needed(context: WorkloadContext, used: FileSet, files: FileSet, rules: frozenset[ObjectRef]) -> bool:
    """Whether all calls to a host of the used file set end where one of these DestinationRules has the other files."""
    return any(_takes_all(context, used, user) for user in context.groups[files] if user.rule.ref in rules)


def _takes_all(context: WorkloadContext, used: FileSet, user: Origination) -> bool:
    """Whether calls to a host of the used file set end where this origination counts, and none where that counts."""
    kin = [origination for origination in context.groups[used] if _same(origination, user)]
    if not kin:
        return False
    ends = _ends(context, user.service.host)
    return _place(user) in ends and ends.isdisjoint(map(_place, kin))


def _same(origination: Origination, user: Origination) -> bool:
    return (origination.rule.ref, origination.service.ref, origination.service.host) == (
        user.rule.ref,
        user.service.ref,
        user.service.host,
    )


def _place(user: Origination) -> _Place:
    return user.port.number, user.subset


def _ends(context: WorkloadContext, host: str) -> frozenset[_Place]:
    """Where the plain calls of the namespace's workloads to the host end."""
    derived, key = context.reach.derived, ("ends", host)
    places: frozenset[_Place] | None = derived.get(key)
    if places is None:
        config, namespace, mesh = context.view.config, context.workload.namespace, context.view.mesh

        def service_of(name: str) -> Service | None:
            return chosen(config, namespace, name, None)

        calls = http_calls(config.routes, Caller(namespace, mesh), host, service_of)
        ends = ((call.number, call.subset) for call in calls if call.end is End.SERVICE and call.host == host)
        places = derived[key] = frozenset(ends)
    return places
