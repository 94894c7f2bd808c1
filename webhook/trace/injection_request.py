"""What a workload asks injection for: the file sets that it opts in to, and the Secrets that they may come from.

A workload opts in if it names Secrets, or if it or its namespace says `inject` and a DestinationRule names Secrets.
`secret_choice` decides which Secret belongs to which file set; `injection_plan` decides what is added to the pod.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from webhook.istio.injector.paths import is_plain
from webhook.kinds.opt_in_annotations import CLIENT_SECRET, INJECT, listed
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet
from webhook.trace.context import WorkloadContext
from webhook.trace.data_keys import Fit, fit, keys_of

NEWEST = "~"
"""Takes the place of a missing creationTimestamp; it sorts after every timestamp."""
Age = tuple[bool, str, str, str]


@dataclass(frozen=True, slots=True)
class RequestedFiles:
    """A file set that the workload opts in to. users: the most likely first. secrets: its possible sources.

    named: a DestinationRule names these Secrets. If it is of another namespace, the workload names none of them itself.
    declared: the workload itself names one of them, or the destination.
    foreign: no DestinationRule of the workload's own namespace reads the files, and the workload names no destination.
    """

    files: FileSet
    users: tuple[Origination, ...]
    secrets: tuple[str, ...]
    named: bool = False
    declared: bool = True
    foreign: bool = False


def opts_in(context: WorkloadContext) -> bool:
    """Whether the workload asks for injection, by its annotations or by the label of its namespace."""
    declared = context.declaration
    return not declared.opted_out and bool(declared.secrets or declared.inject or asked_by_namespace(context))


def asked_by_namespace(context: WorkloadContext) -> bool:
    """Whether the label of the namespace asks for injection, and this workload does not opt out."""
    return not context.declaration.opted_out and context.namespace.labels.get(INJECT) == "true"


def requested_files(context: WorkloadContext) -> tuple[RequestedFiles, ...]:
    """The file sets that the workload opts in to, also the uncertain ones, without those that cannot be mounted."""
    if not (context.has_sidecar and opts_in(context)):
        return ()
    mountable = {
        files: users
        for files, users in context.groups.items()
        if all(is_plain(path) and "~" not in path for _, path in files.items())
    }
    requests = {
        files: request for files, users in mountable.items() if (request := _request(context, files, users)) is not None
    }
    for secret in context.declaration.secrets if not context.declaration.destinations else ():
        if not any(_fits(context, secret, request) for request in requests.values()):
            requests.update(_overridden(context, secret, mountable))
    return tuple(requests[files] for files in mountable if files in requests)


def _fits(context: WorkloadContext, secret: str, request: RequestedFiles) -> bool:
    """Whether the Secret may be for the request; for that of another namespace only if it has its files."""
    if secret not in request.secrets:
        return False
    return request.named or not request.foreign or fit(request.files, keys_of(context, secret)) is not Fit.LACKING


def _overridden(
    context: WorkloadContext, secret: str, mountable: Mapping[FileSet, tuple[Origination, ...]]
) -> dict[FileSet, RequestedFiles]:
    """The file set for a Secret of the workload, of a DestinationRule that names another Secret; at most one.

    The Secret that the workload names takes precedence. Preferred is a DestinationRule of its namespace whose file
    names are data keys of the Secret, then the oldest.
    """
    keys, candidates = keys_of(context, secret), []
    for files, users in mountable.items():
        naming = tuple(sorted((user for user in users if named_by(user)), key=lambda user: age(context, user)))
        if not naming or not files.client_certificate:
            continue
        lacks, foreign = fit(files, keys) is Fit.LACKING, naming[0].rule.ref.namespace != context.workload.namespace
        if not (lacks and foreign):
            candidates.append(
                (lacks, age(context, naming[0]), RequestedFiles(files, naming, (secret,), foreign=foreign))
            )
    chosen = min(candidates, key=lambda candidate: candidate[:2], default=None)
    return {chosen[2].files: chosen[2]} if chosen is not None else {}


def age(context: WorkloadContext, user: Origination) -> Age:
    """The order of DestinationRules: those of the workload's own namespace, then the oldest, then by name."""
    rule = user.rule
    return (rule.ref.namespace != context.workload.namespace, rule.created or NEWEST, rule.ref.namespace, rule.ref.name)


def named_by(user: Origination) -> tuple[str, ...]:
    """The Secrets that the DestinationRule names."""
    return listed(user.rule.annotations.get(CLIENT_SECRET, ""))


def _request(context: WorkloadContext, files: FileSet, users: tuple[Origination, ...]) -> RequestedFiles | None:
    """The request for one file set, None when the workload does not ask for it."""
    declared = context.declaration
    chosen = tuple(user for user in users if user.service.host in declared.destinations)
    if declared.destinations and not chosen:
        return None
    ordered = sorted(chosen or users, key=lambda user: age(context, user))
    meant = tuple(user for user in ordered if chosen or _is_meant(context, user))
    if not meant:
        return None
    foreign = not chosen and meant[0].rule.ref.namespace != context.workload.namespace
    names = _named(context, meant, everybody=bool(chosen))
    shared = tuple(name for name in declared.secrets if name in names)
    if names and not (foreign and shared):
        return RequestedFiles(files, meant, names, named=True, declared=bool(chosen or shared), foreign=foreign)
    if not (files.client_certificate or chosen):
        return None
    return RequestedFiles(files, meant, shared or declared.secrets, foreign=foreign)


def _is_meant(context: WorkloadContext, user: Origination) -> bool:
    """Whether the workload may mean this DestinationRule: they name the same Secret, or only one of them names any."""
    names, declared = named_by(user), context.declaration
    if not names:
        return bool(declared.secrets)
    everything = not declared.secrets or declared.inject or asked_by_namespace(context)
    return everything or any(name in declared.secrets for name in names)


def _named(context: WorkloadContext, users: tuple[Origination, ...], *, everybody: bool) -> tuple[str, ...]:
    """The Secrets that DestinationRules name for the file set; of those of other namespaces only the oldest counts."""
    declared = context.declaration.secrets
    naming = [user for user in users if named_by(user)]
    if everybody:
        agreeing = [user for user in naming if not declared or any(name in declared for name in named_by(user))]
        return tuple(dict.fromkeys(name for user in agreeing for name in named_by(user)))
    of_namespace = [user for user in naming if user.rule.ref.namespace == context.workload.namespace]
    counting = of_namespace or (users[:1] if named_by(users[0]) else ())
    return tuple(dict.fromkeys(name for user in counting for name in named_by(user)))
