"""What mtls-guard's injection adds to a pod template, and what keeps it from doing so."""

from dataclasses import dataclass

from webhook.model.finding import ObjectRef
from webhook.model.mesh import FileSet
from webhook.model.workload import KeyToPath

OWN = "mtls-guard-"
"""The beginning of the name of every volume that mtls-guard adds; reserved for it."""


def is_own(name: str) -> bool:
    """Whether a volume or mount of this name is one that mtls-guard added."""
    return name.startswith(OWN)


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
    """Why a workload that opted in is left alone, in words that stand in a finding. path: where in the pod template.

    certain: False where the DestinationRule may not be meant at all, so that the others are served without it.
    """

    path: str
    problem: str
    fix: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Rivals:
    """A Secret that could be for several DestinationRules, of which the oldest is chosen.

    path: of the annotation. hosts: of all of them, the chosen one's first. count: of DestinationRules.
    undated: their age is not in view.
    """

    path: str
    secret: str
    rule: ObjectRef
    hosts: tuple[str, ...]
    count: int
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Addition:
    """What a pod template gets, all of it or nothing: with an obstacle, nothing is added.

    in_spec: the pod spec itself gets the volumes (gateways, and Pods that have istio-proxy already), and not the two
    annotations of Istio. opted_in: whether the workload asks. refused: its annotations are faulty.
    awaited: what it asks for and nothing in view says how to mount, in words.
    guessed: file sets that are mounted though nobody says that their DestinationRule is meant. unseen: from a Secret
    that is not in view. absent: a Secret that the choice depends on is not in view.
    unavailable: why injection does not happen here, where the workload's own mounts lack files that it asks for.
    lacking: of a Pod that all mutating webhooks have seen, the mounts that it should have got and has not.
    """

    opted_in: bool = False
    volumes: tuple[AddedVolume, ...] = ()
    mounts: tuple[AddedMount, ...] = ()
    in_spec: bool = False
    refused: bool = False
    obstacles: tuple[Obstacle, ...] = ()
    rivals: tuple[Rivals, ...] = ()
    awaited: tuple[str, ...] = ()
    guessed: frozenset[FileSet] = frozenset()
    unseen: bool = False
    absent: bool = False
    unavailable: Obstacle | None = None
    lacking: tuple[AddedMount, ...] = ()

    @property
    def impossible(self) -> bool:
        """Whether nothing is added because of an obstacle, or because injection does not happen."""
        return self.unavailable is not None or any(obstacle.certain for obstacle in self.obstacles)

    def __bool__(self) -> bool:
        """Whether anything is added."""
        return bool(self.mounts)


NO_ADDITION = Addition()
