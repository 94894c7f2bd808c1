"""Names for the volumes that injection adds, and whether a volume of that name is already there."""

import re
from typing import TYPE_CHECKING

from webhook.istio import builtin
from webhook.kinds.volume import read_volume
from webhook.model.addition import AddedVolume, Obstacle
from webhook.model.workload import KeyToPath, Source
from webhook.trace.added_entries import volume_entry

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture

_LABEL_CHARACTERS = 63


def name_for(secrets: tuple[tuple[str, tuple[KeyToPath, ...] | None], ...]) -> str:
    """The volume's name: that of its Secret, made a DNS label; of several, that of the first with a suffix."""
    first = re.sub(r"[^a-z0-9-]+", "-", secrets[0][0].lower()).strip("-") or "client-secret"
    suffix = "-and-more" if len(secrets) > 1 else ""
    return first[: _LABEL_CHARACTERS - len(suffix)].rstrip("-") + suffix


def _alike(held: tuple[Source, ...], wanted: AddedVolume) -> bool:
    """Whether the volume that is there brings the same files; its modes are its author's business."""
    told = [(one.kind, one.name, one.items, one.parts) for one in held]
    return any(
        told == [(one.kind, one.name, one.items, one.parts) for one in read_volume(volume_entry(each), "").sources]
        for each in (wanted, _with_every_key(wanted))
    )


def _with_every_key(wanted: AddedVolume) -> AddedVolume:
    """The same without `items`, where these rename nothing: then every key is a file of its name, too."""
    secret, items = wanted.secrets[0]
    renames = len(wanted.secrets) > 1 or any(one.key != one.path for one in items or ())
    return wanted if renames else AddedVolume(wanted.name, ((secret, None),))


class VolumeNames:
    """The volumes of one pod, and those that are being added to it."""

    def __init__(self, picture: "WorkloadPicture") -> None:
        """Starts with the volumes that the pod has."""
        self._picture = picture
        self._added: dict[str, AddedVolume] = {}

    def settle(self, wanted: AddedVolume) -> AddedVolume | Obstacle:
        """The volume under the name that it gets, or what stands in its way.

        One that the plan itself added with other content makes room by a number; what a person wrote does not.
        """
        volume = wanted
        number = 2
        while volume.name in self._added and self._added[volume.name].secrets != wanted.secrets:
            stem = wanted.name[: _LABEL_CHARACTERS - len(f"-{number}")].rstrip("-")
            volume, number = AddedVolume(f"{stem}-{number}", wanted.secrets), number + 1
        if volume.name in builtin.VOLUMES or volume.name in builtin.LATE_VOLUMES:
            return self._taken(volume.name, "Istio or another webhook uses it")
        held = self._picture.sidecar.volume(volume.name)
        if held is not None and not _alike(held.sources, volume):
            return self._taken(volume.name, f"{held.path or 'the pod'} holds something else")
        return volume

    def take(self, volume: AddedVolume) -> bool:
        """Notes the volume; whether it has to be added, since neither the pod nor the plan has it yet."""
        new = volume.name not in self._added and self._picture.sidecar.volume(volume.name) is None
        self._added[volume.name] = volume
        return new

    def _taken(self, name: str, why: str) -> Obstacle:
        return Obstacle(
            self._picture.pod.path,
            f'injection would add a volume "{name}", and {why}',
            "rename that volume, or mount the Secret by hand with userVolume and userVolumeMount",
        )
