"""The facts of one workload, as the objects in view state them: pod template, sidecar, annotations, DestinationRules.

Everything that is derived from these facts (provided files, intent, injection plan) takes a WorkloadContext. This
module imports none of the derived ones, so that there is no import cycle.
"""

from collections.abc import Mapping

from webhook.istio.injector.annotations import read_user_volumes
from webhook.istio.injector.decision import decide_injection
from webhook.istio.injector.mount_faults import FileFault, find_faults
from webhook.istio.injector.proxy_filesystem import SidecarFiles, sidecar_files
from webhook.istio.pilot.client_config import ClientConfig
from webhook.kinds.opt_in_annotations import read_declaration
from webhook.model.chain import AnnotationFault, Answer, Declaration, Injection, Origination, UserVolumes
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import ObjectRef
from webhook.model.injection_plan import NO_ADDITION, Addition
from webhook.model.mesh import FileSet, Namespace
from webhook.model.occasion import STATE, Occasion
from webhook.model.workload import Mount, PodTemplate, Volume, Workload
from webhook.trace.cached import cached
from webhook.trace.volume_contents import ViewContents
from webhook.view import ClusterView

_FAULTS_THAT_LEAVE_NAMES = frozenset(
    {"unknown-field", "wrong-type", "mode-range", "required-field", "no-source", "two-sources"}
)
"""Faults in the annotations that leave the name of every volume and mount readable."""
_NAME_FAULTS = frozenset({"volume-not-found", "volume-not-mounted"})
_MOST_NAMES = 100
"""Names in both annotations that are compared although the annotations are rejected; longer lists cost too much."""
_CONFIG_MAPS = 20
"""ConfigMaps of the application that are searched for hosts."""


class WorkloadContext:
    """The facts of one workload. Each attribute is computed at its first use and kept."""

    def __init__(
        self,
        workload: Workload,
        view: ClusterView,
        horizon: Horizon,
        addition: Addition = NO_ADDITION,
        occasion: Occasion = STATE,
    ) -> None:
        """addition: what injection has added to the workload's template. occasion: why the workload is examined."""
        self.workload, self.addition, self.occasion = workload, addition, occasion
        self.view, self.horizon = view, horizon
        self.set_aside: frozenset[FileSet] = frozenset()
        """File sets that a mount alone does not make intended, although it provides them in full."""

    @property
    def ref(self) -> ObjectRef:
        """The workload's reference, as findings name it."""
        return self.workload.ref

    @property
    def pod(self) -> PodTemplate:
        """The workload's pod template."""
        return self.workload.template

    @property
    def complete(self) -> bool:
        """Whether the view has every object of the cluster, so that an object that is not in view does not exist."""
        return self.view.complete

    @cached
    def namespace(self) -> Namespace:
        """The workload's namespace."""
        return self.view.namespace(self.workload.namespace)

    @cached
    def injection(self) -> Injection:
        """Whether Istio injects a sidecar into the pod, and with which template."""
        return decide_injection(self.pod, self.namespace, self.view.mesh)

    @property
    def has_sidecar(self) -> bool:
        """Whether the pod has a sidecar, or may have one."""
        return self.injection.answer is not Answer.NO

    @property
    def asks_injection(self) -> bool:
        """Whether the workload asks mtls-guard to add volumes and mounts."""
        return self.addition.opted_in

    @cached
    def user(self) -> UserVolumes:
        """The volumes and mounts of the annotations userVolume and userVolumeMount, with the faults of these texts."""
        return read_user_volumes(self.pod)

    @cached
    def declaration(self) -> Declaration:
        """What the annotations of mtls-guard declare: Secrets, destinations, opt-in and opt-out."""
        return read_declaration(self.pod.annotations)

    @cached
    def sidecar(self) -> SidecarFiles:
        """The file system of istio-proxy: its mounts, their volumes, and the sources of these."""
        return sidecar_files(self.pod, self.user, self.injection, self.view.mesh)

    @cached
    def contents(self) -> ViewContents:
        """The Secrets and ConfigMaps of the namespace, from which the sidecar's volumes take their files."""
        return ViewContents(self.view, self.workload.namespace)

    @cached
    def reach(self) -> ClientConfig:
        """The client configuration that istiod sends to the sidecars of the workload's namespace."""
        return self.view.reach(self.workload.namespace, self.pod.labels)

    @cached
    def groups(self) -> Mapping[FileSet, tuple[Origination, ...]]:
        """The file sets that Envoy in this pod is configured to read, each with the originations that use it."""
        return self.reach.groups(self.pod.labels)

    @cached
    def named_hosts(self) -> frozenset[str]:
        """The hosts that the environment variables, arguments and ConfigMaps of the application name."""
        names = sorted(self.pod.config_maps)[:_CONFIG_MAPS]
        config_maps = (self.view.config_map(self.workload.namespace, name) for name in names)
        return self.pod.hosts.union(*(facts.hosts for facts in config_maps if facts is not None))

    @property
    def user_mounts(self) -> tuple[Mount, ...]:
        """The mounts of istio-proxy that a person wrote."""
        return self.sidecar.user_mounts

    @cached
    def idle_volumes(self) -> tuple[Volume, ...]:
        """The volumes of the annotation userVolume that no mount of istio-proxy names."""
        mounted = {mount.name for mount in self.user_mounts}
        return tuple(volume for volume in self.user.volumes if volume.name not in mounted)

    @cached
    def unnamed(self) -> frozenset[str]:
        """Paths of the volumes and mounts without a name in the two annotations; mtls-guard names them by position."""
        return frozenset(fault.path for fault in self.user.faults if fault.kind == "unnamed")

    @cached
    def annotation_faults(self) -> tuple[AnnotationFault, ...]:
        """The faults in the two annotations; none without a sidecar, or with a template that ignores them."""
        faults = self.user.faults
        return faults if faults and self.has_sidecar and self.injection.honours_annotations else ()

    @cached
    def mount_faults(self) -> tuple[FileFault, ...]:
        """The faults of mounts and volumes that show without the content of any Secret or ConfigMap.

        Where the annotations are rejected, only mounts without their volume and volumes without a mount, and only if
        every name is readable. The author can then correct them together with the faults of the texts.
        """
        if not self.has_sidecar or not (self.sidecar.user.present or self.sidecar.own):
            return ()
        if not self.user.rejected:
            return find_faults(self.sidecar)
        names = (*(volume.name for volume in self.user.volumes), *(mount.name for mount in self.user.mounts))
        few = len(names) <= _MOST_NAMES and all(names)
        readable = few and all(fault.kind in _FAULTS_THAT_LEAVE_NAMES for fault in self.user.faults)
        return tuple(fault for fault in find_faults(self.sidecar) if fault.kind in _NAME_FAULTS) if readable else ()
