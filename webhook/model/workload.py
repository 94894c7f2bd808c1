"""A workload and the parts of its pod template that decide what its sidecar holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.model.finding import ObjectRef

PROXY = "istio-proxy"
"""The container that the sidecar is, or that a workload brings to be completed by the injector."""


@dataclass(frozen=True, slots=True)
class KeyToPath:
    """One entry of a source's `items`: the key, the file it becomes, its mode (decimal as in JSON) if given."""

    key: str
    path: str
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a volume's files come from.

    kind: the field name in the volume (`secret`, `configMap`, `projected`, `emptyDir`, `csi`, `hostPath`,
    `downwardAPI`, `persistentVolumeClaim`, ...). name: of the Secret, ConfigMap, claim or CSI driver, else ''.
    items: None when absent, which means every key. optional: None when absent, which means no.
    parts: the sources of a projected volume.
    """

    kind: str
    name: str = ""
    items: tuple[KeyToPath, ...] | None = None
    default_mode: int | None = None
    optional: bool | None = None
    parts: tuple["Source", ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the pod. path: where it is written, for findings. sources: normally one; none means emptyDir."""

    name: str
    sources: tuple[Source, ...]
    path: str = ""

    @property
    def source(self) -> Source:
        """The one source; a volume without any is an emptyDir, as the API server defaults it."""
        return self.sources[0] if self.sources else Source("emptyDir")


@dataclass(frozen=True, slots=True)
class Mount:
    """A volumeMount. path: where it is written, for findings; '' for Istio's own."""

    name: str
    mount_path: str
    sub_path: str = ""
    sub_path_expr: str = ""
    read_only: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the pod. run_as_user, run_as_group: its own securityContext, None if not set.

    init: stands in initContainers. args: kept for istio-proxy only, where they tell a gateway from a sidecar.
    """

    name: str
    image: str = ""
    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    run_as_user: int | None = None
    working_dir: str = ""
    init: bool = False
    path: str = ""
    run_as_group: int | None = None
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """The pod that a workload makes. path: where the template stands (`spec.template`; '' for a Pod itself).

    automount_token: `automountServiceAccountToken` as written, None if absent (the ServiceAccount then decides).
    left_out: lists that are longer than what is read of them, in words.
    zero_group: 0 is among the supplementalGroups. hosts: those that variables and arguments of the application name.
    config_maps: names of the ConfigMaps from which the application is configured.
    replaced: volumes of the pod spec in whose place the Pods of a StatefulSet have a claim of the same name.
    """

    path: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    host_network: bool = False
    run_as_user: int | None = None
    fs_group: int | None = None
    namespace: str = ""
    automount_token: bool | None = None
    left_out: tuple[str, ...] = ()
    zero_group: bool = False
    hosts: frozenset[str] = frozenset()
    config_maps: frozenset[str] = frozenset()
    replaced: tuple[Volume, ...] = ()

    def container(self, name: str) -> Container | None:
        """The container of that name, among containers and initContainers."""
        for container in self.containers:  # asked a dozen times in each review: no generator
            if container.name == name:
                return container
        return None


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload that makes pods. controller: kind of the controlling owner, '' if none; controller_version: of it."""

    ref: ObjectRef
    template: PodTemplate
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    controller: str = ""
    controller_name: str = ""
    controller_version: str = ""
    created: str = ""
    terminating: bool = False
    """Being deleted, or scaled in a way that makes no pods any more."""
    template_elsewhere: str = ""
    """A Rollout's `workloadRef`: `Kind/name` whose template counts; '' when the template is its own."""
    job_annotations: Mapping[str, str] = field(default_factory=dict)
    """Of a CronJob: the annotations of its `jobTemplate`, which stand on its Jobs, never on their Pods."""

    template_missing: bool = False
    """Of a kind that the policy names: nothing stands where it says that the pod template does."""

    @property
    def namespace(self) -> str:
        """The namespace, which is also the client namespace of its sidecar."""
        return self.ref.namespace
