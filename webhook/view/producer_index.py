"""Who makes a Secret or ConfigMap that does not exist yet: producers in view, and the kinds of them that are served."""

from collections.abc import Iterable, Iterator

from webhook.kinds.producer import NO_FURTHER, Further, Key, makes
from webhook.model.finding import ObjectRef, by_name
from webhook.model.material import Producer
from webhook.model.mesh import Namespace

Made = tuple[str, str, str]
"""Kind, namespace ('' for every one) and name of what is made."""


class ProducerIndex:
    """Producers by what they make. served: the kinds of producers that the API server serves, as far as that is known.

    further: kinds of producers that the policy adds.
    """

    def __init__(self, further: Further = NO_FURTHER) -> None:
        """No producer yet."""
        self.further = further
        self.served: set[Key] = set()
        self._made: dict[Made, tuple[Producer, ...]] = {}
        self._of: dict[ObjectRef, tuple[Made, ...]] = {}

    def put(self, ref: ObjectRef, producers: Iterable[Producer]) -> None:
        """What the object makes, in place of what it made before."""
        self.remove(ref)
        found: dict[Made, Producer] = {(one.kind, one.ref.namespace, one.name): one for one in producers}
        for made, producer in found.items():
            self._made[made] = tuple(sorted((*self._made.get(made, ()), producer), key=lambda one: by_name(one.ref)))
        if found:
            self._of[ref] = tuple(found)

    def remove(self, ref: ObjectRef) -> None:
        """Forgets what the object makes; nothing happens where it makes nothing."""
        for made in self._of.pop(ref, ()):
            kept = tuple(one for one in self._made[made] if (one.ref.kind, one.ref.name) != (ref.kind, ref.name))
            if kept:
                self._made[made] = kept
            else:
                del self._made[made]

    def of(self, kind: str, namespace: Namespace, name: str) -> tuple[Producer, ...]:
        """The producers of the Secret or ConfigMap of that name; namespaces that are not in view count as selected."""
        everywhere = self._made.get((kind, "", name), ())
        here = self._made.get((kind, namespace.name, name), ())
        return (*here, *(one for one in everywhere if _selects(one, namespace))) if everywhere else here

    def __iter__(self) -> Iterator[ObjectRef]:
        """The objects that make something."""
        return iter(self._of)

    def items(self) -> Iterable[tuple[Made, tuple[Producer, ...]]]:
        """Everything that is made, with the producers of it."""
        return self._made.items()

    def serve(self, kinds: Iterable[Key]) -> None:
        """Takes the kinds that discovery names as those that are served."""
        self.served = {key for key in kinds if makes(key, self.further)}

    def may_follow(self, kind: str) -> bool:
        """Whether the API server serves a kind of producers that make such objects, so that one may still come."""
        return any(kind in makes(key, self.further) for key in self.served)

    def copy(self) -> "ProducerIndex":
        """The same producers, to be changed without touching these."""
        twin = ProducerIndex(self.further)
        twin.served, twin._made, twin._of = set(self.served), dict(self._made), dict(self._of)
        return twin


def _selects(producer: Producer, namespace: Namespace) -> bool:
    """Whether a cluster-scoped producer makes something in the namespace, as far as its labels are in view."""
    return not namespace.known or all(namespace.labels.get(key) == value for key, value in producer.namespaces)
