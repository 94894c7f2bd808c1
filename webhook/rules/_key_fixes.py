"""What to do about data keys that an object lacks: in the object, at its producer, or in the paths and items."""

from collections.abc import Mapping

from webhook.model.chain import Chain
from webhook.model.finding import ObjectRef
from webhook.model.material import Material
from webhook.rules._items import items
from webhook.rules._words import listed, quote
from webhook.trace.secret_producers import writer
from webhook.trace.workload import WorkloadPicture


def fix_of_keys(picture: WorkloadPicture, ref: ObjectRef, chains: list[Chain], missing_keys: tuple[str, ...]) -> str:
    """What to type; an object with a producer is changed there, or the paths are."""
    keys, owner = keys_of(picture, ref), writer(picture.view, ref)
    mapped = items([chain for chain in picture.chains if chain.file.object == ref], keys)
    mappable = mapped and all(chain.file.source and chain.file.source.items is None for chain in chains)
    spare = [key for key in keys if key not in _read(picture, ref)]
    rename = f"let {owner} write {listed(missing_keys)}" if owner else "rename its keys"
    if keys and not spare:
        return rename if owner else _add(ref, missing_keys[0])
    if len(missing_keys) == 1 and len(spare) == 1:
        renamed = rename if owner else f"rename the key {quote(spare[0])} to {listed(missing_keys)}"
        return f"{renamed}, or write {quote(spare[0])} into the path"
    if mappable:
        return f"{rename}, or give the volume {mapped}"
    return f"{rename}, or write them into the rule's paths"


def _add(ref: ObjectRef, key: str) -> str:
    """What to type so that the object has the key, too."""
    if ref.kind != "Secret":
        return "add the key to it"
    value = f'{{\\"data\\":{{\\"{key}\\":\\"$(base64 -w0 FILE)\\"}}}}'
    return f'add it: kubectl -n {ref.namespace} patch secret {ref.name} -p "{value}"'


def _read(picture: WorkloadPicture, ref: ObjectRef) -> frozenset[str]:
    """The keys of the object that some chain ends at."""
    return frozenset(chain.file.key for chain in picture.chains if chain.file.object == ref)


def keys_of(picture: WorkloadPicture, ref: ObjectRef) -> Mapping[str, Material]:
    """The data keys that the Secret or ConfigMap has."""
    return picture.contents.keys("secret" if ref.kind == "Secret" else "configMap", ref.name) or {}
