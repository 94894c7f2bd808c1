"""Finds the objects that create a Secret or ConfigMap that does not exist yet, and the kinds of such producers."""

from collections.abc import Iterable, Iterator

from webhook.kinds.producer import NO_FURTHER, Further, Key, makes
from webhook.model.finding import ObjectRef, by_name
from webhook.model.material import Producer
from webhook.model.mesh import Namespace

Made = tuple[str, str, str]
"""Kind, namespace ('' for all namespaces) and name of the created object."""


class ProducerIndex:
    """Producers by the object that they create.

    served: the kinds of producers that the API server is known to serve. further: kinds that the policy adds.
    """

    def __init__(self, further: Further = NO_FURTHER) -> None:
        """Starts empty."""
        self.further = further
        self.served: set[Key] = set()
        self._made: dict[Made, tuple[Producer, ...]] = {}
        self._of: dict[ObjectRef, tuple[Made, ...]] = {}

    def put(self, ref: ObjectRef, producers: Iterable[Producer]) -> None:
        """Stores the objects that the producer `ref` creates, and replaces those that it created before."""
        self.remove(ref)
        by_created = {(producer.kind, producer.ref.namespace, producer.name): producer for producer in producers}
        for created, producer in by_created.items():
            self._made[created] = tuple(sorted((*self._made.get(created, ()), producer), key=_by_name))
        if by_created:
            self._of[ref] = tuple(by_created)

    def remove(self, ref: ObjectRef) -> None:
        """Removes the producer; does nothing if it is not stored."""
        for created in self._of.pop(ref, ()):
            producers = self._made[created]
            remaining = tuple(
                stored for stored in producers if (stored.ref.kind, stored.ref.name) != (ref.kind, ref.name)
            )
            if remaining:
                self._made[created] = remaining
            else:
                del self._made[created]

    def of(self, kind: str, namespace: Namespace, name: str) -> tuple[Producer, ...]:
        """The producers of the Secret or ConfigMap. Namespaces that are not in view are treated as selected."""
        cluster_scoped = self._made.get((kind, "", name), ())
        namespaced = self._made.get((kind, namespace.name, name), ())
        if not cluster_scoped:
            return namespaced
        return (*namespaced, *(producer for producer in cluster_scoped if _selects(producer, namespace)))

    def __iter__(self) -> Iterator[ObjectRef]:
        """The references of all producers."""
        return iter(self._of)

    def items(self) -> Iterable[tuple[Made, tuple[Producer, ...]]]:
        """The created objects with their producers."""
        return self._made.items()

    def serve(self, kinds: Iterable[Key]) -> None:
        """Sets the served kinds from the result of API discovery."""
        self.served = {key for key in kinds if makes(key, self.further)}

    def may_follow(self, kind: str) -> bool:
        """Whether the API server serves a kind of producer for such objects, so that one can be created later."""
        return any(kind in makes(key, self.further) for key in self.served)

    def copy(self) -> "ProducerIndex":
        """An independent copy."""
        twin = ProducerIndex(self.further)
        twin.served, twin._made, twin._of = set(self.served), dict(self._made), dict(self._of)
        return twin


def _by_name(producer: Producer) -> tuple[str, ...]:
    return by_name(producer.ref)


def _selects(producer: Producer, namespace: Namespace) -> bool:
    """Whether a cluster-scoped producer creates objects in the namespace; True if its labels are not in view."""
    return not namespace.known or all(namespace.labels.get(key) == value for key, value in producer.namespaces)
