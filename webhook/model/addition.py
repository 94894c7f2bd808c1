"""What our own injection adds to a pod template, and what keeps it from doing so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.model.workload import KeyToPath


@dataclass(frozen=True, slots=True)
class AddedVolume:
    """A volume of one Secret, or of several projected into one directory. items: per Secret, None for every key."""

    name: str
    secrets: tuple[tuple[str, tuple[KeyToPath, ...] | None], ...]


@dataclass(frozen=True, slots=True)
class AddedMount:
    """A read-only mount of the volume of that name."""

    name: str
    mount_path: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a workload that opted in is left alone, in words that stand in a finding. path: where in the pod template."""

    path: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class Addition:
    """What a pod template gets, all of it or nothing: with an obstacle, nothing is added.

    annotations: the two annotations of Istio as they will read, merged with what stood there; empty where the pod spec
    itself gets the volumes (gateways, and Pods that hold istio-proxy already). opted_in: whether the workload asks.
    """

    opted_in: bool = False
    volumes: tuple[AddedVolume, ...] = ()
    mounts: tuple[AddedMount, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    obstacles: tuple[Obstacle, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is added."""
        return bool(self.mounts)


NO_ADDITION = Addition()
