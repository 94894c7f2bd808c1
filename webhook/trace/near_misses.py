"""Annotations, volumes and mounts that would provide a sidecar with its files in another place or with another name.

The usual mistakes: annotations on the workload instead of its pod template, misspelt annotations, a volume without a
mount, a Secret that only a container of the application mounts. The rules decide what follows from them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from posixpath import basename

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.istio.injector.paths import normal
from webhook.kinds.list_limits import ENTRIES
from webhook.kinds.opt_in_annotations import KNOWN
from webhook.model.chain import Answer
from webhook.model.mesh import FileSet
from webhook.model.workload import Mount, Volume
from webhook.trace.annotation_names import meant_by, odd_name
from webhook.trace.context import WorkloadContext
from webhook.trace.intent import intents
from webhook.trace.intent_evidence import places, second_sign, tied
from webhook.trace.missing_file_sets import missing_by_names, plain_missing
from webhook.trace.mount_candidates import holds_client_credential, mount_candidates, unexplained_mounts
from webhook.trace.provided_files import provided_files, serves_itself, sources_of

WANTED = (USER_VOLUME_MOUNT, USER_VOLUME, *KNOWN)
"""The annotations of a pod template that Istio or mtls-guard evaluate."""
_WANTED = frozenset(WANTED)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One such mistake.

    kind: `misplaced`, `misspelt`, `ignored` (by the injection template), `unmounted` or `application-only`.
    path: the field with the mistake. names: the annotations concerned, as written. meant: the correct name, '' if
    none is similar. files: the file sets that apply and that it was evidently meant for; the sidecar lacks them.
    sure: it mounts a client credential, so that its purpose is certain. mount, volume: those that should be in
    istio-proxy.
    """

    kind: str
    path: str
    names: tuple[str, ...] = ()
    meant: str = ""
    files: tuple[FileSet, ...] = ()
    sure: bool = False
    mount: Mount | None = None
    volume: Volume | None = None

    def lacks_annotation(self, annotation: str) -> bool:
        """Whether the mistake is that the annotation of this name is missing on the pod template."""
        return annotation == self.meant or (not self.meant and annotation in self.names)


def near_misses(context: WorkloadContext, intended: Collection[FileSet]) -> tuple[NearMiss, ...]:
    """All mistakes of this workload, in the order of the kinds."""
    annotations = (*_misplaced(context), *_misspelt(context), *_ignored(context))
    if not context.has_sidecar or context.user.rejected:
        return annotations
    if any(slip.lacks_annotation(USER_VOLUME_MOUNT) for slip in annotations):
        return annotations
    return (*annotations, *_unmounted(context, intended), *_application_only(context, intended))


def _misplaced(context: WorkloadContext) -> Iterator[NearMiss]:
    workload = context.workload
    levels = (("metadata", workload.annotations), ("spec.jobTemplate.metadata", workload.job_annotations))
    for level, annotations in levels if workload.template.path else ():
        if _WANTED.isdisjoint(annotations):
            continue
        names = tuple(name for name in WANTED if name in annotations and name not in context.pod.annotations)
        if names:
            files, sure = _would_serve(context, {name: annotations[name] for name in names})
            yield NearMiss("misplaced", f'{level}.annotations["{names[0]}"]', names, files=files, sure=sure)


def _misspelt(context: WorkloadContext) -> Iterator[NearMiss]:
    pod = context.pod
    prefix = f"{pod.path}.metadata" if pod.path else "metadata"
    odd = islice((name for name in pod.annotations if name not in _WANTED and odd_name(name)), ENTRIES)
    slips = [
        (f'{prefix}.annotations["{name}"]', name, meant, pod.annotations[name])
        for name in odd
        if (meant := meant_by(name)) is not None
    ]
    if not _WANTED.isdisjoint(pod.labels):
        labels = (name for name in WANTED if name in pod.labels and name not in pod.annotations)
        slips += [(f'{prefix}.labels["{name}"]', name, name, pod.labels[name]) for name in labels]
    if not slips:
        return
    files, sure = _would_serve(context, {meant: value for _, _, meant, value in slips if meant})
    for path, name, meant, _ in slips:
        yield NearMiss("misspelt", path, (name,), meant, files if meant else (), sure and bool(meant))


def _ignored(context: WorkloadContext) -> Iterator[NearMiss]:
    """User annotations that the injection template does not read."""
    injection = context.injection
    if not context.user.present or injection.honours_annotations or injection.manual or not context.has_sidecar:
        return
    names = tuple(name for name in WANTED if name in context.user.present)
    prefix = f"{context.pod.path}.metadata" if context.pod.path else "metadata"
    sets = (files for mount in context.user.mounts for files in context.reach.under(mount.mount_path))
    secrets = [source.name for volume in context.user.volumes for source in sources_of(volume)]
    meant = (files for files in dict.fromkeys(sets) if files in context.groups and tied(context, files, secrets))
    files = tuple(file_set for file_set in meant if _lacks(context, file_set))
    yield NearMiss("ignored", f'{prefix}.annotations["{names[0]}"]', names, files=files)


def _would_serve(context: WorkloadContext, annotations: Mapping[str, str]) -> tuple[tuple[FileSet, ...], bool]:
    """The missing file sets that these annotations would make intended, and whether they mount a credential."""
    pod = replace(context.pod, annotations={**annotations, **context.pod.annotations})
    workload = replace(context.workload, template=pod)
    twin = WorkloadContext(workload, context.view, context.horizon, occasion=context.occasion)
    provided = provided_files(twin)
    candidates = mount_candidates(twin, provided)
    meant = intents(twin, provided, unexplained_mounts(candidates))
    files = tuple(files for files in meant if _lacks(context, files))
    return files, any(candidate.credential for candidate in candidates)


def _lacks(context: WorkloadContext, files: FileSet) -> bool:
    return any(context.sidecar.resolve(path, context.contents).absent for _, path in files.items())


def _unmounted(context: WorkloadContext, intended: Collection[FileSet]) -> Iterator[NearMiss]:
    """A user volume without a mount; none if a mount names a missing volume, because that is the mistake then."""
    faults = context.mount_faults
    if not faults or any(fault.kind == "volume-not-found" for fault in faults):
        return
    for fault in faults:
        if fault.kind == "volume-not-mounted" and fault.volume is not None:
            fitting = _unmet(context, intended, fault.volume)
            meant = tuple(files for files in fitting if tied(context, files, [fault.volume.source.name]))
            files = meant if len(fitting) == 1 else ()
            yield NearMiss("unmounted", fault.path, files=files, sure=bool(meant), volume=fault.volume)


def _unmet(context: WorkloadContext, intended: Collection[FileSet], volume: Volume) -> tuple[FileSet, ...]:
    """The file sets for which the volume may be meant, at most two; any file set while its Secret is not in view."""
    source = volume.source
    in_view = source.kind != "secret" or context.view.secret(context.workload.namespace, source.name) is not None
    if in_view or (context.complete and context.view.unread("Secret", context.workload.namespace, source.name)):
        return _fitting(context, intended, _credential_names(context, volume))
    every = frozenset(name for names in missing_by_names(context) for name in names)
    return _fitting(context, intended, every)


def _application_only(context: WorkloadContext, intended: Collection[FileSet]) -> Iterator[NearMiss]:
    """A Secret that would fit, mounted in other containers than istio-proxy only."""
    volumes = {volume.name: volume for volume in context.pod.volumes if volume.source.kind == "secret"}
    if not volumes or context.injection.answer is not Answer.YES:
        return
    for mount in context.user_mounts:
        volumes.pop(mount.name, None)
    for container in context.pod.containers:
        for mount in container.mounts:
            volume = volumes.get(mount.name)
            slip = _applied(context, intended, mount, volume) if volume is not None else None
            if slip is not None:
                del volumes[mount.name]
                yield slip


def _applied(context: WorkloadContext, intended: Collection[FileSet], mount: Mount, volume: Volume) -> NearMiss | None:
    """The mistake is certain at the directory of a file set with a second sign; elsewhere, it may be no mistake."""
    names = _credential_names(context, volume)
    directory = normal(mount.mount_path)
    below = context.reach.under(mount.mount_path) if names else ()
    fitting = tuple(files for files in below if directory in places(files) and _wants(context, intended, files, names))
    meant = next((files for files in fitting if second_sign(context, files, [volume.source.name])), None)
    if meant is not None:
        return NearMiss("application-only", mount.path, files=(meant,), sure=True, mount=mount, volume=volume)
    fitting = _fitting(context, intended, names)
    if len(fitting) != 1 or fitting[0].client_certificate.endswith("/tls.crt"):
        return None
    if not tied(context, fitting[0], [volume.source.name]):
        return None
    return NearMiss("application-only", mount.path, files=fitting, mount=mount, volume=volume)


def _wants(context: WorkloadContext, intended: Collection[FileSet], files: FileSet, names: frozenset[str]) -> bool:
    """Whether the file set applies, is not intended yet, has these file names, and needs a mount."""
    file_names = frozenset(basename(path) for _, path in files.items())
    missing = plain_missing(context).sets
    lacking = files in missing and files in context.groups and files not in intended
    return file_names <= names and lacking and not serves_itself(context, files)


def _fitting(context: WorkloadContext, intended: Collection[FileSet], names: frozenset[str]) -> tuple[FileSet, ...]:
    """The first two file sets with files of these names; with two of them it is unknown which one is meant."""
    missing = missing_by_names(context) if names else {}
    sets = (files for file_names, file_sets in missing.items() if file_names <= names for files in file_sets)
    return tuple(islice((files for files in sets if _wants(context, intended, files, names)), 2))


def _credential_names(context: WorkloadContext, volume: Volume) -> frozenset[str]:
    """The files that the volume makes of a Secret with a client credential; none for any other volume."""
    source = volume.source
    if source.kind != "secret" or not missing_by_names(context):
        return frozenset()
    facts = context.view.secret(context.workload.namespace, source.name)
    if facts is None or not holds_client_credential(facts):
        return frozenset()
    return frozenset(
        facts.keys if source.items is None else (item.path for item in source.items if item.key in facts.keys)
    )
