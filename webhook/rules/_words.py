"""Phrases that several rules share, so that the same thing is always said in the same words."""

import json
from collections.abc import Iterable, Sequence
from posixpath import dirname

from webhook.model.chain import Chain, Origination
from webhook.model.finding import ObjectRef

USER_VOLUME = "sidecar.istio.io/userVolume"
USER_VOLUME_MOUNT = "sidecar.istio.io/userVolumeMount"
LISTED = 4


def quote(value: str) -> str:
    """The value in double quotes, as a person would find it in a manifest."""
    return json.dumps(value, ensure_ascii=False)


def listed(values: Iterable[str], limit: int = LISTED) -> str:
    """`"a", "b" and 3 more`; the values are quoted."""
    all_values = list(values)
    hidden = len(all_values) - limit
    text = ", ".join(quote(value) for value in all_values[:limit])
    return f"{text} and {hidden} more" if hidden > 0 else text


def counted(number: int) -> str:
    """`1 workload`, `2 workloads`."""
    return f"{number} workload{'' if number == 1 else 's'}"


def readers(users: Sequence[Origination]) -> str:
    """`DestinationRule project/external`, and how many more read the same, when others do."""
    rules = dict.fromkeys(user.rule.ref for user in users)
    others_count = len(rules) - 1
    return f"{next(iter(rules))}{f' (and {others_count} more)' if others_count else ''}"


def read_by(chain: Chain) -> str:
    """`DestinationRule project/external`, and how many more read the chain's file."""
    return readers(chain.users)


def directories(paths: Iterable[str]) -> tuple[str, ...]:
    """The directories of the paths, each once, in order."""
    return tuple(dict.fromkeys(dirname(path) or "/" for path in paths))


def create_secret(secret: ObjectRef, keys: Iterable[str]) -> str:
    """The command that makes the Secret with these keys from files of the same name."""
    files = " ".join(f"--from-file={key}=FILE" for key in keys) or "--from-file=KEY=FILE"
    return f"kubectl -n {secret.namespace} create secret generic {secret.name} {files}"


def create_config_map(config_map: ObjectRef, keys: Iterable[str]) -> str:
    """The command that makes the ConfigMap with these keys from files of the same name."""
    files = " ".join(f"--from-file={key}=FILE" for key in keys) or "--from-file=KEY=FILE"
    return f"kubectl -n {config_map.namespace} create configmap {config_map.name} {files}"


def metadata(template: str, part: str) -> str:
    """The field path of the labels or annotations of the pod template."""
    return f"{template}.metadata.{part}" if template else f"metadata.{part}"


def annotation(template: str, name: str) -> str:
    """The field path of an annotation of the pod template."""
    return f'{template}.metadata.annotations["{name}"]' if template else f'metadata.annotations["{name}"]'
