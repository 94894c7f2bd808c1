"""What would prepare a sidecar for a rule in force, if it stood in the right place or under the right name.

Looks for the usual slips: annotations on the workload instead of its pod template, under a neighbouring name, a volume
that nobody mounts, a Secret mounted in the application's container only. Judges nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from posixpath import basename
from typing import TYPE_CHECKING

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.istio.injector.paths import normal
from webhook.kinds.list_limits import ENTRIES
from webhook.kinds.opt_in_annotations import KNOWN
from webhook.model.chain import Answer
from webhook.model.mesh import FileSet
from webhook.model.workload import Mount, Volume
from webhook.trace.annotation_names import meant_by, odd_name
from webhook.trace.intent_evidence import places, second_sign, tied
from webhook.trace.missing_file_sets import missing_by_names, plain_missing
from webhook.trace.mount_candidates import holds_client_credential, unexplained
from webhook.trace.provided_files import serves_itself, sources_of

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture

WANTED = (USER_VOLUME_MOUNT, USER_VOLUME, *KNOWN)
"""The annotations that count on a pod template."""
_WANTED = frozenset(WANTED)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One slip.

    kind: `misplaced`, `misspelt`, `ignored` (by the injection template), `unmounted` or `application-only`.
    path: where it is written. names: the annotations concerned, as they are spelt. meant: what they should be called,
    '' where nothing comes near. files: file sets in force that it was evidently meant for, and whose files the sidecar
    lacks. sure: it mounts a client credential, so that there is no doubt what it is for. mount, volume: what would
    have to be mounted.
    """

    kind: str
    path: str
    names: tuple[str, ...] = ()
    meant: str = ""
    files: tuple[FileSet, ...] = ()
    sure: bool = False
    mount: Mount | None = None
    volume: Volume | None = None

    def supplies(self, annotation: str) -> bool:
        """Whether the annotation of that name is what is missing for it."""
        return annotation == self.meant or (not self.meant and annotation in self.names)


def near_misses(picture: "WorkloadPicture") -> tuple[NearMiss, ...]:
    """Every slip of this workload, in the order of the kinds."""
    annotations = (*_misplaced(picture), *_misspelt(picture), *_ignored(picture))
    if not picture.has_sidecar or picture.user.rejected:
        return annotations
    if any(one.supplies(USER_VOLUME_MOUNT) for one in annotations):
        return annotations
    return (*annotations, *_unmounted(picture), *_application_only(picture))


def _misplaced(picture: "WorkloadPicture") -> Iterator[NearMiss]:
    workload = picture.workload
    levels = (("metadata", workload.annotations), ("spec.jobTemplate.metadata", workload.job_annotations))
    for level, held in levels if workload.template.path else ():
        if _WANTED.isdisjoint(held):
            continue
        names = tuple(name for name in WANTED if name in held and name not in picture.pod.annotations)
        if names:
            files, sure = _would_serve(picture, {name: held[name] for name in names})
            yield NearMiss("misplaced", f'{level}.annotations["{names[0]}"]', names, files=files, sure=sure)


def _misspelt(picture: "WorkloadPicture") -> Iterator[NearMiss]:
    pod = picture.pod
    prefix = f"{pod.path}.metadata" if pod.path else "metadata"
    odd = islice((name for name in pod.annotations if name not in _WANTED and odd_name(name)), ENTRIES)
    found = [
        (f'{prefix}.annotations["{name}"]', name, meant, pod.annotations[name])
        for name in odd
        if (meant := meant_by(name)) is not None
    ]
    if not _WANTED.isdisjoint(pod.labels):
        labels = (name for name in WANTED if name in pod.labels and name not in pod.annotations)
        found += [(f'{prefix}.labels["{name}"]', name, name, pod.labels[name]) for name in labels]
    if not found:
        return
    files, sure = _would_serve(picture, {meant: value for _, _, meant, value in found if meant})
    for path, name, meant, _ in found:
        yield NearMiss("misspelt", path, (name,), meant, files if meant else (), sure and bool(meant))


def _ignored(picture: "WorkloadPicture") -> Iterator[NearMiss]:
    """User annotations that the injection template does not read."""
    injection = picture.injection
    if not picture.user.present or injection.honours_annotations or injection.manual or not picture.has_sidecar:
        return
    names = tuple(name for name in WANTED if name in picture.user.present)
    prefix = f"{picture.pod.path}.metadata" if picture.pod.path else "metadata"
    sets = (files for mount in picture.user.mounts for files in picture.reach.under(mount.mount_path))
    secrets = [source.name for volume in picture.user.volumes for source in sources_of(volume)]
    meant = (files for files in dict.fromkeys(sets) if files in picture.groups and tied(picture, files, secrets))
    files = tuple(one for one in meant if _lacks(picture, one))
    yield NearMiss("ignored", f'{prefix}.annotations["{names[0]}"]', names, files=files)


def _would_serve(picture: "WorkloadPicture", annotations: Mapping[str, str]) -> tuple[tuple[FileSet, ...], bool]:
    """The file sets that the pod would mean with these annotations and lacks now, and if it would hold a credential."""
    pod = replace(picture.pod, annotations={**annotations, **picture.pod.annotations})
    workload = replace(picture.workload, template=pod)
    twin = type(picture)(workload, picture.view, picture.horizon, occasion=picture.occasion)
    files = tuple(files for files in twin.intents if _lacks(picture, files))
    return files, any(each.credential for each in unexplained(twin))


def _lacks(picture: "WorkloadPicture", files: FileSet) -> bool:
    return any(picture.sidecar.resolve(path, picture.contents).absent for _, path in files.items())


def _unmounted(picture: "WorkloadPicture") -> Iterator[NearMiss]:
    """A user volume without a mount; where a mount names a volume that does not exist, that is the slip."""
    faults = picture.mount_faults
    if not faults or any(fault.kind == "volume-not-found" for fault in faults):
        return
    for fault in faults:
        if fault.kind == "volume-not-mounted" and fault.volume is not None:
            fitting = _unmet(picture, fault.volume)
            meant = tuple(files for files in fitting if tied(picture, files, [fault.volume.source.name]))
            files = meant if len(fitting) == 1 else ()
            yield NearMiss("unmounted", fault.path, files=files, sure=bool(meant), volume=fault.volume)


def _unmet(picture: "WorkloadPicture", volume: Volume) -> tuple[FileSet, ...]:
    """The file sets that the volume may be for, two at most: any while its Secret is not in view."""
    source = volume.source
    known = source.kind != "secret" or picture.view.secret(picture.workload.namespace, source.name) is not None
    if known or (picture.complete and picture.view.unread("Secret", picture.workload.namespace, source.name)):
        return _fitting(picture, _credential_names(picture, volume))
    every = frozenset(name for names in missing_by_names(picture) for name in names)
    return _fitting(picture, every)


def _application_only(picture: "WorkloadPicture") -> Iterator[NearMiss]:
    """A Secret that would fit, mounted in other containers than istio-proxy only."""
    volumes = {volume.name: volume for volume in picture.pod.volumes if volume.source.kind == "secret"}
    if not volumes or picture.injection.answer is not Answer.YES:
        return
    for mount in picture.user_mounts:
        volumes.pop(mount.name, None)
    for container in picture.pod.containers:
        for mount in container.mounts:
            volume = volumes.get(mount.name)
            found = _applied(picture, mount, volume) if volume is not None else None
            if found is not None:
                del volumes[mount.name]
                yield found


def _applied(picture: "WorkloadPicture", mount: Mount, volume: Volume) -> NearMiss | None:
    """sure: at the very directory of a file set, with a second sign. Elsewhere, `tls.crt` may be a server's own."""
    names = _credential_names(picture, volume)
    here = normal(mount.mount_path)
    below = picture.reach.under(mount.mount_path) if names else ()
    fitting = tuple(files for files in below if here in places(files) and _wants(picture, files, names))
    meant = next((files for files in fitting if second_sign(picture, files, [volume.source.name])), None)
    if meant is not None:
        return NearMiss("application-only", mount.path, files=(meant,), sure=True, mount=mount, volume=volume)
    fitting = _fitting(picture, names)
    if len(fitting) != 1 or fitting[0].client_certificate.endswith("/tls.crt"):
        return None
    if not tied(picture, fitting[0], [volume.source.name]):
        return None
    return NearMiss("application-only", mount.path, files=fitting, mount=mount, volume=volume)


def _wants(picture: "WorkloadPicture", files: FileSet, names: frozenset[str]) -> bool:
    """Whether the file set is in force, unmeant so far, lacking in a plain sidecar, and of files of these names."""
    wanted = frozenset(basename(path) for _, path in files.items())
    missing = plain_missing(picture).sets
    lacking = files in missing and files in picture.groups and files not in picture.intents
    return wanted <= names and lacking and not serves_itself(picture, files)


def _fitting(picture: "WorkloadPicture", names: frozenset[str]) -> tuple[FileSet, ...]:
    """The first two file sets that want files of these names; two are enough to say that nobody knows which."""
    missing = missing_by_names(picture) if names else {}
    sets = (files for wanted, held in missing.items() if wanted <= names for files in held)
    return tuple(islice((files for files in sets if _wants(picture, files, names)), 2))


def _credential_names(picture: "WorkloadPicture", volume: Volume) -> frozenset[str]:
    """The files that the volume makes of a Secret with a client credential; none for any other volume."""
    source = volume.source
    if source.kind != "secret" or not missing_by_names(picture):
        return frozenset()
    facts = picture.view.secret(picture.workload.namespace, source.name)
    if facts is None or not holds_client_credential(facts):
        return frozenset()
    return frozenset(
        facts.keys if source.items is None else (item.path for item in source.items if item.key in facts.keys)
    )
