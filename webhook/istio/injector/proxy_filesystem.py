"""Which files istio-proxy will have: its effective mounts and volumes, and the file at a path.

Files inside Secrets and ConfigMaps are found by `volume_contents`, what is wrong with the structure by `mount_faults`.
Behaviour of Istio 1.31 (pkg/kube/inject) and of the kubelet, Kubernetes 1.37.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from webhook.istio.injector import defaults
from webhook.istio.injector.file_permissions import readable, run_as_user
from webhook.istio.injector.merge import absolute, by_name, istio_mount, merge_mounts, merge_volumes, with_token
from webhook.istio.injector.paths import parents
from webhook.istio.injector.proxy_metadata import output_certs
from webhook.istio.injector.templates import BUILT_IN
from webhook.istio.injector.volume_contents import Contents, Found, find_mounted
from webhook.model.chain import FileState, Injection, ResolvedFile, UserVolumes
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Mesh
from webhook.model.workload import PROXY, Mount, PodTemplate, Source, Volume

_KINDS = {"secret": "Secret", "configMap": "ConfigMap"}
_FILE_STATES = frozenset((FileState.PRESENT, FileState.NOT_IN_INPUT, FileState.BUILT_IN))
_SEEN_KINDS = frozenset(("secret", "configMap", "projected", "downwardAPI"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads by structure alone.

    path: absolute and plain. mount: the one that covers it, None when the image does. rest: the path inside the mount,
    '' for the mount point itself. volume: None when the mount's volume does not exist. built_in: Istio or its image
    brings the file.
    """

    path: str
    mount: Mount | None = None
    rest: str = ""
    volume: Volume | None = None
    built_in: bool = False

    @property
    def source(self) -> Source | None:
        """The source of the volume, None without one."""
        return self.volume.source if self.volume is not None else None


class SidecarFiles:
    """The files of one pod's istio-proxy. `user_mounts` are those that a person wrote, by annotation or container."""

    __slots__ = (
        *("_index", "_istio", "_layers", "_parents", "_volumes", "_working_dir"),
        *("injection", "mesh", "own", "pod", "user", "user_mounts"),
    )

    def __init__(self, pod: PodTemplate, user: UserVolumes, injection: Injection, mesh: Mesh) -> None:
        """The files that this pod's sidecar gets, or would get if it is not injected."""
        self.pod, self.injection, self.mesh = pod, injection, mesh
        self.user = user if injection.honours_annotations and not injection.manual else UserVolumes()
        self.own = pod.container(PROXY)
        self._working_dir = self.own.working_dir if self.own else ""
        self._istio = {} if injection.manual else _istio_mounts(pod, injection)
        container_mounts = self.own.mounts if self.own else ()
        if injection.manual:
            container_mounts = tuple(mount for mount in container_mounts if not istio_mount(mount))
        self.user_mounts: tuple[Mount, ...] = (
            (*self.user.mounts, *container_mounts) if container_mounts else self.user.mounts
        )
        self._index = self._overlay()
        self._volumes: dict[str, Volume | None] = {}
        istio_volumes = () if injection.manual else defaults.VOLUMES.values()
        self._layers = by_name((*pod.volumes, *istio_volumes, *self.user.volumes))
        self._parents: frozenset[str] | None = None

    def _overlay(self) -> Mapping[str, Mount]:
        """The mounts that are not plainly Istio's, by plain path; the last of several at one place wins."""
        if self.own is None or not self.own.mounts:
            return {absolute(mount.mount_path): mount for mount in self.user.mounts if mount.mount_path}
        return {absolute(mount.mount_path): mount for mount in self.mounts if mount.mount_path}

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """The effective mounts of istio-proxy in the order of the container; Istio's own have no `path`."""
        container_mounts = with_token(self.pod, self._istio.get(defaults.SERVICE_ACCOUNT))
        return merge_mounts(container_mounts, tuple(self._istio.values()), self.user.mounts)

    @property
    def istio_paths(self) -> Mapping[str, Mount]:
        """Istio's own mounts by their path, before a person's are laid over them."""
        return self._istio

    def volume(self, name: str) -> Volume | None:
        """The pod's volume of that name, as pod spec, template and annotation make it together."""
        if name not in self._volumes:
            self._volumes[name] = self._merged(name)
        return self._volumes[name]

    def _merged(self, name: str) -> Volume | None:
        layers = self._layers.get(name, ())
        if not layers and name == defaults.BOOTSTRAP_VOLUME and defaults.BOOTSTRAP_ANNOTATION in self.pod.annotations:
            return Volume(name, (Source("configMap", self.pod.annotations[defaults.BOOTSTRAP_ANNOTATION]),))
        return merge_volumes(layers)

    def _is_parent(self, path: str) -> bool:
        """Whether a mount lies below the path."""
        if self._parents is None:
            self._parents = parents(self._index)
        return path in self._parents

    def place(self, path: str) -> Place:
        """Where the path leads: the longest mount that covers it, what remains, the volume, or the image."""
        full = absolute(path, self._working_dir)
        directory = full
        while True:
            mount = self._index.get(directory) or self._istio.get(directory)
            if mount is not None:
                volume = self.volume(mount.name)
                built_in = full in defaults.FILES and self._istios(mount, volume)
                return Place(full, mount, full[len(directory) :].lstrip("/"), volume, built_in)
            if directory == "/":
                return Place(full, built_in=full in defaults.IMAGE_FILES)
            directory = directory[: directory.rfind("/")] or "/"

    def _istios(self, mount: Mount, volume: Volume | None) -> bool:
        """Whether both are as Istio writes them, and not replaced by a person's."""
        if self.injection.manual:
            return istio_mount(mount)
        return not mount.path and volume is not None and volume is defaults.VOLUMES.get(mount.name)

    def resolve(self, path: str, contents: Contents) -> ResolvedFile:
        """What the agent, or Envoy, will find at the path; an answer for every path, see FileState."""
        place = self.place(path)
        file = self._find(place, contents)
        if path.endswith(("/", "/.")) and file.state in _FILE_STATES:
            file = Found(FileState.DIRECTORY, 'ends in "/", which only a directory may', file.source)
        elif file.key and file.state in _FILE_STATES:
            file = self._opened(file)
        source = file.source or place.source
        ref = None
        if source is not None and source.kind in _KINDS and file.key:
            ref = ObjectRef("v1", _KINDS[source.kind], contents.namespace, source.name)
        mode = file.mode if ref is not None else None
        return ResolvedFile(
            path, file.state, place.mount, place.volume, source, ref, file.key, file.material, mode, file.reason
        )

    def _find(self, place: Place, contents: Contents) -> Found:
        if place.mount is None:
            return self._unmounted(place)
        if place.built_in:
            return self._istio_file(place)
        if place.volume is None:
            return _without_volume(place.mount)
        return self._in_volume(place, place.mount, place.volume, contents)

    def _in_volume(self, place: Place, mount: Mount, volume: Volume, contents: Contents) -> Found:
        kind = volume.source.kind
        if kind == "emptyDir":
            return self._in_empty(place, volume)
        if self._istios(mount, volume) and not self.injection.manual:
            return Found(FileState.NO_KEY, f'Istio puts no such file into "{mount.mount_path}"')
        if kind not in _SEEN_KINDS:
            return Found(FileState.UNKNOWN, f"nobody can see from outside what a {kind} volume holds")
        return find_mounted(mount, volume.source, place.rest, contents)

    def _istio_file(self, place: Place) -> Found:
        if place.path == defaults.CRL_FILE and not self.mesh.crl_in_every_sidecar:
            return Found(FileState.UNKNOWN, "it exists where the mesh has a ConfigMap istio-ca-crl")
        return Found(FileState.BUILT_IN, "Istio brings it")

    def _unmounted(self, place: Place) -> Found:
        path = place.path
        if place.built_in:
            return Found(FileState.BUILT_IN, "it is part of the image")
        if path in defaults.DIRECTORIES or self._is_parent(path):
            return Found(FileState.DIRECTORY, "is a directory of the image")
        if path.startswith(defaults.IMAGE_DIRECTORIES):
            return Found(FileState.UNKNOWN, "whether it is there depends on the image's variant")
        custom = next((name for name in self.injection.templates if name not in BUILT_IN), "")
        if custom:
            return Found(FileState.UNKNOWN, f"the injection template {custom} may mount it")
        image = self._custom_image()
        if image:
            return Found(FileState.UNKNOWN, f"the image {image} may hold it")
        return Found(FileState.NO_MOUNT, "no mount of istio-proxy covers it")

    def _custom_image(self) -> str:
        """The image when it is not Istio's own by name, '' when it is: somebody may have baked files into it."""
        image = self.pod.annotations.get("sidecar.istio.io/proxyImage", "")
        if self.own is not None and self.own.image not in ("", "auto"):
            image = self.own.image
        name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        return image if image and not name.startswith("proxyv2") else ""

    def _in_empty(self, place: Place, volume: Volume) -> Found:
        name = place.path.rpartition("/")[2]
        if not place.rest:
            return Found(FileState.DIRECTORY, "is the directory of the mount")
        if name in defaults.OUTPUT_FILES:
            directory = output_certs(self.pod, self.mesh)
            if directory and absolute(f"{directory}/{name}", self._working_dir) == place.path:
                return Found(FileState.BUILT_IN, "the agent writes it into OUTPUT_CERTS")
        if place.path in defaults.POSSIBLE_FILES:
            return Found(FileState.UNKNOWN, "it exists where the platform issues workload certificates")
        application_containers = (container for container in self.pod.containers if container.name != PROXY)
        writer = next(
            (
                container
                for container in application_containers
                if any(mount.name == volume.name for mount in container.mounts)
            ),
            None,
        )
        if writer is not None:
            return Found(FileState.UNKNOWN, f'container "{writer.name}" may write it into the emptyDir "{volume.name}"')
        return Found(FileState.NO_SOURCE, f'volume "{volume.name}" is an emptyDir that nobody fills')

    def _opened(self, file: Found) -> Found:
        """The same file as the process will be able to open it, its mode considered."""
        who = run_as_user(self.pod, self.injection, self.mesh)
        if readable(self.pod, who, file.mode):
            return file
        reason = f"mode 0{file.mode:o} (decimal {file.mode}) keeps user {who} out, and the pod sets no fsGroup"
        state = FileState.UNKNOWN if self.injection.open_shift else FileState.UNREADABLE
        return Found(state, reason, file.source, file.key, file.material, file.mode)


def sidecar_files(pod: PodTemplate, user: UserVolumes, injection: Injection, mesh: Mesh) -> SidecarFiles:
    """The files that the sidecar of this pod will have, as structure; `resolve` then asks what Secrets hold."""
    return SidecarFiles(pod, user, injection, mesh)


def _istio_mounts(pod: PodTemplate, injection: Injection) -> Mapping[str, Mount]:
    only_gateway = injection.gateway and not injection.honours_annotations
    mounts = defaults.GATEWAY_INDEX if only_gateway else defaults.SIDECAR_INDEX
    if defaults.BOOTSTRAP_ANNOTATION in pod.annotations:
        mount = Mount(defaults.BOOTSTRAP_VOLUME, defaults.BOOTSTRAP_DIRECTORY)
        mounts = {**mounts, defaults.BOOTSTRAP_DIRECTORY: mount}
    if pod.automount_token is False:
        mounts = {path: mount for path, mount in mounts.items() if path != defaults.SERVICE_ACCOUNT}
    return mounts


def _without_volume(mount: Mount) -> Found:
    if mount.name in defaults.LATE_VOLUMES or mount.name.startswith("kube-api-access"):
        return Found(FileState.UNKNOWN, f'volume "{mount.name}" is added by another webhook')
    return Found(FileState.NO_SOURCE, f'the pod has no volume "{mount.name}"')
