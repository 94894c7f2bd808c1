"""Evidence, in addition to a mount itself, of the DestinationRule for which the mount is meant: the second sign.

Strong signs always count; weak signs only if no further object is expected to follow (`Occasion.final`), and if no
other workload provides the files of that DestinationRule.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from posixpath import dirname

from webhook.istio.injector.paths import normal
from webhook.istio.pilot.hosts import is_wildcard, matches
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet
from webhook.model.workload import Mount
from webhook.trace.context import WorkloadContext
from webhook.trace.prepared_workloads import prepared_for
from webhook.trace.provided_files import ProvidedFiles, names_behind
from webhook.trace.running_pods import earlier_pods

_SAME_NAME = 4
"""The least length of a common beginning that makes the last parts of two directories similar."""


def names_host(context: WorkloadContext, host: str) -> bool:
    """Whether variables, arguments or ConfigMaps of the application name the host."""
    spellings = {host, *_short(host, context.view.mesh.cluster_domain)}
    named = context.named_hosts
    return not spellings.isdisjoint(named) or (is_wildcard(host) and any(matches(host, name) for name in named))


def _short(host: str, domain: str) -> Iterator[str]:
    """The shorter names of a Service of the cluster that still have its namespace."""
    for tail in (f".{domain}", f".svc.{domain}"):
        if host.endswith(tail):
            yield host.removesuffix(tail)


def strong(context: WorkloadContext, files: FileSet, secrets: Iterable[str]) -> bool:
    """Whether the workload names a host of the file set, or others use the same Secret for it."""
    hosts = {user.service.host for user in context.groups[files]}
    if any(names_host(context, host) for host in sorted(hosts)):
        return True
    return any(_shared(context, files, secret) for secret in secrets)


def _shared(context: WorkloadContext, files: FileSet, secret: str) -> bool:
    """Whether another workload of the namespace has the files from the same Secret."""
    workload = context.workload
    users = [
        user.ref for user in context.view.workloads.using_secret(workload.namespace, secret) if user.ref != workload.ref
    ]
    return bool(users) and not prepared_for(context.view, files).get(workload.namespace, frozenset()).isdisjoint(users)


def provided_elsewhere(context: WorkloadContext, files: FileSet) -> bool:
    """Whether any other workload provides the files for the same DestinationRule, or asks injection for the host.

    Its own Pods that still run with an earlier template do not count, nor does a workload to which none of the
    DestinationRules applies: it uses another DestinationRule with the same paths.
    """
    users = context.groups.get(files, ())
    rules = dict.fromkeys(user.rule.ref for user in users)
    own_refs = {
        context.ref,
        *earlier_pods(context.view, context.ref, [mount.mount_path for mount in context.user_mounts]),
    }
    for namespace, refs in prepared_for(context.view, files).items():
        if not refs <= own_refs and any(context.view.is_told(namespace, rule) for rule in rules):
            return True
    hosts = [user.service.host for user in users]
    asking = context.view.workloads.naming(hosts)
    return any(workload.ref != context.ref and workload.template.annotations.get(_DESTINATIONS) for workload in asking)


_DESTINATIONS = "mtls-guard.io/destinations"


def weak_signs_count(context: WorkloadContext, hosts: Iterable[str]) -> bool:
    """Whether weak signs count: no further object is expected, or the workload used one of the hosts before."""
    former = context.occasion.former
    return context.complete and (context.occasion.final or not former.isdisjoint(hosts))


def second_sign(context: WorkloadContext, files: FileSet, secrets: Collection[str], *, path: bool = False) -> bool:
    """Whether a strong sign, or a weak one where these count, shows that the Secrets are meant for the files.

    path: whether the mount path is a weak sign.
    """
    if strong(context, files, secrets):
        return True
    counts = weak_signs_count(context, (user.service.host for user in context.groups[files]))
    return counts and (path or tied(context, files, secrets)) and not provided_elsewhere(context, files)


def connected(context: WorkloadContext, provided: ProvidedFiles) -> bool:
    """Whether a second sign connects the workload with the files, or the application names a host of the files."""
    users = context.groups[provided.files]
    named = any(names_host(context, user.service.host) for user in users)
    return named or tied(context, provided.files, names_behind(context, provided))


def tied(context: WorkloadContext, files: FileSet, secrets: Iterable[str]) -> bool:
    """Whether a DestinationRule of the workload's namespace reads the files, or a Secret is named after their host."""
    users = context.groups.get(files, ())
    names = tuple(secrets)
    return own_rule(context, users) or any(named_after(user.service.host, name) for user in users for name in names)


def own_rule(context: WorkloadContext, users: Iterable[Origination]) -> bool:
    """Whether a DestinationRule of the workload's own namespace is among those that read the files."""
    return any(user.rule.ref.namespace == context.workload.namespace for user in users)


def similar_path(mount: Mount, files: FileSet) -> bool:
    """Whether the mount is at a directory of the paths, or at one spelt like it: `/etc/mtls` for `/etc/mtlsfiles`.

    That the paths are below the mount is no sign.
    """
    directory = normal(mount.mount_path)
    return any(_alike(directory, place) for place in places(files))


def places(files: FileSet) -> frozenset[str]:
    """The directories of the paths, and the paths themselves: the mount paths that would provide the files."""
    paths = [normal(path) for _, path in files.items()]
    return frozenset((*paths, *map(dirname, paths)))


def _alike(directory: str, place: str) -> bool:
    if directory == place:
        return True
    (parent, name), (place_parent, place_name) = directory.rsplit("/", 1), place.rsplit("/", 1)
    name, place_name = _plain(name), _plain(place_name)
    long_enough = min(len(name), len(place_name)) >= _SAME_NAME
    return parent == place_parent and long_enough and (name.startswith(place_name) or place_name.startswith(name))


def _plain(name: str) -> str:
    """The name in lower case, letters and digits only, because people spell the others differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def named_after(host: str, secret: str) -> bool:
    """Whether a Secret of this name is named after the host: `external-system-data` after `external.system.com`."""
    part = _dashed(host.rpartition(".")[0])
    return "-" in part and f"-{part}-" in f"-{_dashed(secret)}-"


def _dashed(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
