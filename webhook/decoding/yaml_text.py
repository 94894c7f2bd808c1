"""YAML that stands in a string, as MeshConfig in a ConfigMap: the value as kubectl and Istio read it, within limits.

Files of several documents are for `manifests`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from webhook.decoding.errors import LimitExceeded
from webhook.decoding.limits import TextLimits
from webhook.decoding.yaml_builder import Builder
from webhook.decoding.yaml_events import Event, mark_of, parse


def load_yaml(text: str, limits: TextLimits) -> Any:
    """The value of the first document, None where there is none; Istio reads no further, either (sigs.k8s.io/yaml).

    Raises:
        Broken: it is no YAML, or holds what JSON cannot; LimitExceeded: it is larger than the limits, and nobody knows.
    """
    if len(text) > limits.characters > 0:
        raise LimitExceeded(f"longer than {limits.characters} characters")
    raw = text.encode("utf-8", "surrogatepass")  # what is no UTF-8 then is refused with its place
    return next(Builder(limits).build(_counted(parse(raw), limits.events)), None)


def _counted(events: Iterable[Event], most: int) -> Iterator[Event]:
    """The events, no more than so many."""
    for number, event in enumerate(events):
        if number > most > 0:
            line, column, _ = mark_of(event)
            raise LimitExceeded(f"more than {most} values", line, column + 1)
        yield event
