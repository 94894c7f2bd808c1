"""Plans what injection adds to a pod template, so that the sidecar holds the files that the workload opted in to.

It adds all files or none: with one obstacle the template is not changed, and the obstacle gives the reason. Only the
files that a DestinationRule of another namespace wants may be left out. `secret_choice` chooses the file sets and their
Secrets; the package `inject` makes a JSON Patch of the plan.

No volume gets a mode: with the default of Kubernetes, 0644, istio-proxy (user 1337) can read the files with and without
an fsGroup.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from posixpath import basename, dirname

from webhook.istio.injector import defaults
from webhook.istio.injector.merge import absolute
from webhook.kinds.opt_in_annotations import also_mounted
from webhook.model.injection_plan import NO_ADDITION, AddedMount, AddedVolume, Addition, Obstacle
from webhook.model.workload import KeyToPath
from webhook.trace.context import WorkloadContext
from webhook.trace.data_keys import key_for, keys_of
from webhook.trace.injected_template import written
from webhook.trace.injected_volumes import added_volume
from webhook.trace.injection_awaited import awaited
from webhook.trace.injection_request import RequestedFiles, opts_in
from webhook.trace.istio_directories import in_istio, is_covered
from webhook.trace.secret_choice import Choice, Chosen, choose

ANNOTATION_BYTES = 262_144
"""The most bytes of all annotations of an object together (apimachinery, TotalAnnotationSizeLimitB)."""
_PAIR = ("clientCertificate", "privateKey")


@dataclass(frozen=True, slots=True)
class _PlannedFile:
    """One file to mount: its path, its Secret and data key. rule: the DestinationRule that reads it, in words.

    has_key: whether the Secret has the data key; None when the Secret is not in view. named: `items` name the data key,
    so that a Pod waits for a Secret that has it, instead of a start without the file. foreign: only a DestinationRule
    of another namespace reads it.
    """

    field: str
    path: str
    secret: str
    key: str
    rule: str
    has_key: bool | None
    named: bool
    foreign: bool


def plan(context: WorkloadContext) -> Addition:
    """The volumes and mounts for the workload's pod template; NO_ADDITION if the workload does not opt in.

    context: of the workload without the volumes and mounts of an earlier injection (`managed_entries`).
    """
    if not opts_in(context):
        return NO_ADDITION
    if not context.has_sidecar or context.user.rejected:
        return Addition(opted_in=True, refused=context.has_sidecar)  # the validating webhook reports the faults
    choice = choose(context)
    files, obstacles = _gathered(context, choice)
    if any(obstacle.certain for obstacle in obstacles):
        return Addition(opted_in=True, obstacles=obstacles, rivals=choice.rivals)
    built = _assembled(context, files)
    own_files = [file for file in files if not file.foreign]
    if built.obstacles and own_files and len(own_files) < len(files):
        obstacles = (*obstacles, *(replace(obstacle, certain=False) for obstacle in built.obstacles))
        built = _assembled(context, own_files)
    guessed = [chosen for chosen in choice.chosen if chosen.guessed]
    return replace(
        built,
        obstacles=(*built.obstacles, *obstacles),
        rivals=choice.rivals,
        awaited=tuple(awaited(context, choice)),
        guessed=frozenset(chosen.request.files for chosen in guessed),
        unseen=any(_unseen(context, name) for chosen in guessed for name in chosen.secrets.values()),
        absent=any(_unseen(context, name) for name in choice.secrets),
    )


def _gathered(context: WorkloadContext, choice: Choice) -> tuple[list[_PlannedFile], tuple[Obstacle, ...]]:
    """The files to mount, and the obstacles; those of other namespaces come last, and are left out if they conflict."""
    files: dict[str, list[_PlannedFile]] = {}
    obstacles = [*choice.obstacles]
    for chosen in choice.chosen:
        planned = _planned_files(context, chosen)
        scattered = list(_scattered(context, planned))
        planned = _with_further(context, chosen.request, planned)
        faults = [*scattered, *_conflicts(context, files, planned), *_hiding(context, planned)]
        obstacles.extend(replace(fault, certain=fault.certain and not chosen.request.foreign) for fault in faults)
        for file in planned if not faults else ():
            files.setdefault(file.path, []).append(file)
    return [file for same_path in files.values() for file in same_path], tuple(dict.fromkeys(obstacles))


def _lacking(context: WorkloadContext, request: RequestedFiles) -> list[tuple[str, str]]:
    """The fields and paths of the request that neither a mount of a person nor the image provides."""
    places = ((field, path, context.sidecar.place(path)) for field, path in request.files.items())
    return [(field, path) for field, path, place in places if not is_covered(place)]


def _planned_files(context: WorkloadContext, chosen: Chosen) -> list[_PlannedFile]:
    rule = str(chosen.request.users[0].rule.ref)
    files: list[_PlannedFile] = []
    for field, path in _lacking(context, chosen.request):
        secret = chosen.secrets[field]
        keys = keys_of(context, secret)
        key = key_for(field, basename(path), keys or frozenset())
        unseen, foreign = _unseen(context, secret), chosen.request.foreign
        has_key, named = None if unseen else key in (keys or ()), context.complete and unseen
        files.append(_PlannedFile(field, absolute(path), secret, key, rule, has_key, named, foreign))
    return files


def _with_further(context: WorkloadContext, request: RequestedFiles, files: list[_PlannedFile]) -> list[_PlannedFile]:
    """The files, also in the further directories that the annotation `also-mount` of a DestinationRule lists.

    It is used while the paths of the DestinationRule move from one directory to another.
    """
    if len({dirname(absolute(path)) for _, path in request.files.items()}) != 1:
        return files
    directories = [place for user in request.users for place in also_mounted(user.rule.annotations)]
    further = (replace(file, path=f"{place}/{basename(file.path)}") for place in directories for file in files)
    free = (file for file in further if context.sidecar.place(file.path).mount is None)
    return list({file.path: file for file in (*files, *free)}.values())


def _unseen(context: WorkloadContext, secret: str) -> bool:
    return context.view.secret(context.workload.namespace, secret) is None


def _scattered(context: WorkloadContext, files: list[_PlannedFile]) -> Iterator[Obstacle]:
    """An obstacle for files of one DestinationRule in several directories, unless the Secrets have every data key.

    A certificate in another directory than its private key usually comes from another Secret, too.
    """
    places = list(dict.fromkeys(dirname(file.path) for file in files))
    split = len({dirname(file.path) for file in files if file.field in _PAIR}) > 1
    lacks = [file for file in files if file.has_key is False]
    if len(places) < 2 or not (split or lacks):
        return
    why = "" if split else f', and Secret "{lacks[0].secret}" holds no "{lacks[0].key}"'
    yield Obstacle(
        context.pod.path,
        f"{files[0].rule} reads its files from {len(places)} directories: {', '.join(places[:4])}{why}",
        "let the rule read all of them from one directory, or mount them by hand",
    )


def _conflicts(
    context: WorkloadContext, accepted: Mapping[str, list[_PlannedFile]], files: list[_PlannedFile]
) -> Iterator[Obstacle]:
    """One obstacle for each path with two different sources."""
    by_path: dict[str, _PlannedFile] = {}
    for file in files:
        earlier = next(iter(accepted.get(file.path, ())), by_path.setdefault(file.path, file))
        if (earlier.secret, earlier.key) != (file.secret, file.key):
            yield Obstacle(
                context.pod.path,
                f'{earlier.rule} and {file.rule} want {file.path} from "{earlier.secret}" and from "{file.secret}"',
                "let one of the rules read another path",
            )


def _hiding(context: WorkloadContext, files: list[_PlannedFile]) -> Iterator[Obstacle]:
    """Obstacles for directories of Istio, and for mounts that would hide files that the sidecar needs."""
    yield from in_istio(context, [(file.rule, file.path) for file in files])
    for directory in dict.fromkeys(dirname(file.path) for file in files):
        names = {basename(file.path) for file in files if dirname(file.path) == directory}
        if directory in defaults.DIRECTORIES or names & {*defaults.IDENTITY_FILES.get(directory, ())}:
            yield Obstacle(
                context.pod.path,
                f"a mount at {directory}, where {files[0].rule} reads, would hide files that the sidecar needs",
                "let the rule read from a directory of its own, as /etc/mtlsfiles",
            )


def _assembled(context: WorkloadContext, files: list[_PlannedFile]) -> Addition:
    """The volumes and mounts for the files: one mount per directory."""
    volumes: dict[str, AddedVolume] = {}
    mounts: list[AddedMount] = []
    for directory in dict.fromkeys(dirname(file.path) for file in files):
        in_directory = [file for file in files if dirname(file.path) == directory]
        volume = added_volume(_by_secret(in_directory), every_key=_is_plain(in_directory))
        volumes[volume.name] = volume
        mounts.append(AddedMount(volume.name, directory))
    addition = Addition(opted_in=True, volumes=tuple(volumes.values()), mounts=tuple(mounts), in_spec=in_spec(context))
    return _limited(context, addition)


def _by_secret(files: list[_PlannedFile]) -> tuple[tuple[str, tuple[KeyToPath, ...]], ...]:
    """The Secrets of one directory, each with the files that come from it."""
    by_secret: dict[str, dict[str, KeyToPath]] = {}
    for file in files:
        by_secret.setdefault(file.secret, {})[file.path] = KeyToPath(file.key, basename(file.path))
    return tuple((secret, tuple(items.values())) for secret, items in by_secret.items())


def _is_plain(files: list[_PlannedFile]) -> bool:
    """Whether the volume needs no `items`: one Secret, each file named as its data key, and every Secret in view."""
    alone = len({file.secret for file in files}) == 1
    return alone and all(file.key == basename(file.path) and not file.named for file in files)


def _limited(context: WorkloadContext, addition: Addition) -> Addition:
    """The addition; or an obstacle, if the annotations would become too long for the API server."""
    if addition.in_spec or not addition:
        return addition
    annotations = written(context.pod, addition).annotations
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size <= ANNOTATION_BYTES:
        return addition
    problem = f"with what injection adds, the annotations have {size} bytes, and {ANNOTATION_BYTES} are allowed"
    return Addition(opted_in=True, obstacles=(Obstacle(context.pod.path, problem, "shorten the annotations"),))


def in_spec(context: WorkloadContext) -> bool:
    """Whether volumes go into the pod spec: gateways and a manually injected istio-proxy ignore the annotations."""
    return context.injection.manual or not context.injection.honours_annotations
