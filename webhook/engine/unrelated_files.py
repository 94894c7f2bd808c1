"""Reduces faults in files of unrelated DestinationRules in other namespaces to warnings.

If one DestinationRule explains a mount, it is not a fault of the workload that a DestinationRule of another team, which
uses the same directory, refers to the files in other roles or to other files in it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from webhook.engine.runner import Hit, hits
from webhook.model.chain import Intent
from webhook.model.mesh import FileSet
from webhook.rules import about
from webhook.rules._words import readers
from webhook.trace.intent_evidence import connected
from webhook.trace.workload import WorkloadPicture

OF_ROLES = frozenset({"certificate-and-private-key-swapped", "ca-is-leaf"})
"""Faults that lie in the roles in which a DestinationRule reads the files, not in the files."""
TRIED = 8
"""DestinationRules of other namespaces of which it is tried whether all is well with their files."""
_Fault = tuple[object, ...]


def workload_hits(picture: WorkloadPicture) -> list[Hit]:
    """Violations of the rules about workloads; those that only unrelated DestinationRules cause are warnings."""
    all_hits = _hits(picture)
    if not any(hit.denies for hit in all_hits):
        return all_hits
    foreign = _foreign(picture)
    aside = _unrelated(picture, foreign) if foreign else ()
    if aside:
        certain_faults = {_fault(hit) for hit in _hits(_without(picture, aside))}
        all_hits = [hit if _fault(hit) in certain_faults else _in_doubt(picture, hit, aside) for hit in all_hits]
    return all_hits if picture.occasion.final or not foreign else _while_released(picture, foreign, all_hits)


def _while_released(picture: WorkloadPicture, foreign: Collection[FileSet], all_hits: list[Hit]) -> list[Hit]:
    """During a release, faults of roles only warn, since the matching DestinationRule may still be created."""
    if not any(hit.denies and hit.rule.id in OF_ROLES for hit in all_hits):
        return all_hits
    certain_faults = {_fault(hit) for hit in _hits(_without(picture, foreign))}
    doubtful = (hit.rule.id in OF_ROLES and _fault(hit) not in certain_faults for hit in all_hits)
    return [_in_doubt(picture, hit, foreign) if doubt else hit for hit, doubt in zip(all_hits, doubtful, strict=True)]


def _foreign(picture: WorkloadPicture) -> tuple[FileSet, ...]:
    """The file sets that mounts provide completely, without other evidence that the workload uses them."""
    evident = (files for files, intent in picture.intents.items() if intent is Intent.EVIDENT)
    provided = (files for files in evident if _places(picture, files))
    return tuple(files for files in provided if not connected(picture, picture.provided_files[files]))


def _unrelated(picture: WorkloadPicture, foreign: Collection[FileSet]) -> tuple[FileSet, ...]:
    """The foreign file sets whose mounts are explained by connected file sets, or by others without faults."""
    own_sets = [files for files in picture.intents if files not in foreign]
    explained = {place for files in own_sets for place in _places(picture, files)}
    doubtful = [files for files in foreign if not explained.issuperset(_places(picture, files))]
    sound = set(_sound(picture, foreign, doubtful[:TRIED])) if len(doubtful) > 1 else set()
    explained.update(place for files in sound for place in _places(picture, files))
    unsound = (files for files in foreign if files not in sound)
    return tuple(files for files in unsound if explained.issuperset(_places(picture, files)))


def _sound(picture: WorkloadPicture, foreign: Collection[FileSet], tried: Iterable[FileSet]) -> Iterator[FileSet]:
    """Those that add no denial when the other file sets of other namespaces are set aside."""
    without = {_fault(hit) for hit in _hits(_without(picture, foreign)) if hit.denies}
    for files in tried:
        alone = _without(picture, [foreign_set for foreign_set in foreign if foreign_set != files])
        if without.issuperset(_fault(hit) for hit in _hits(alone) if hit.denies):
            yield files


def _without(picture: WorkloadPicture, aside: Iterable[FileSet]) -> WorkloadPicture:
    """A picture of the same workload that ignores these file sets."""
    twin = WorkloadPicture(picture.workload, picture.view, picture.horizon, picture.addition, picture.occasion)
    twin.set_aside = frozenset(aside)
    return twin


def _places(picture: WorkloadPicture, files: FileSet) -> frozenset[str]:
    supply = picture.provided_files.get(files)
    return frozenset(mount.mount_path for mount in supply.mounts) if supply and supply.complete else frozenset()


def _hits(picture: WorkloadPicture) -> list[Hit]:
    return hits(about("workload"), picture, picture.workload.ref, picture.view.deadline)


def _fault(hit: Hit) -> _Fault:
    return hit.rule.id, hit.violation.object, hit.violation.path, hit.denies


def _in_doubt(picture: WorkloadPicture, hit: Hit, aside: Collection[FileSet]) -> Hit:
    """The hit as a warning with a fix that does not change a working setup."""
    if not hit.denies:
        return hit
    users = [user for files in aside for user in picture.groups[files]]
    fix = f"there is nothing to do if it never calls {users[0].service.host}, for which {readers(users)} reads it"
    return replace(hit, violation=replace(hit.violation, fix=fix, certain=False))
