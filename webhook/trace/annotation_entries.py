"""Questions about the entries of userVolume and userVolumeMount that are asked for each entry, and so answered once."""

from abc import ABC, abstractmethod

from webhook.model.chain import UserVolumes
from webhook.model.injection_plan import Addition
from webhook.model.workload import Mount, Volume
from webhook.trace.cached import once


class AnnotationEntries(ABC):
    """The part of a workload's picture that is about the entries of the two annotations."""

    user: "once[UserVolumes]"
    addition: Addition

    @property
    def asks_injection(self) -> bool:
        """Whether the workload asks mtls-guard to add entries."""
        return self.addition.opted_in

    @property
    @abstractmethod
    def user_mounts(self) -> tuple[Mount, ...]:
        """Mounts of istio-proxy that a person wrote."""

    @once
    def unnamed(self) -> frozenset[str]:
        """Paths of the entries that got their name from their position."""
        return frozenset(fault.path for fault in self.user.faults if fault.kind == "unnamed")

    @once
    def idle_volumes(self) -> tuple[Volume, ...]:
        """The volumes that no mount of istio-proxy names."""
        mounted = {mount.name for mount in self.user_mounts}
        return tuple(volume for volume in self.user.volumes if volume.name not in mounted)
