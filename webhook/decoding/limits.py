"""How deep and how large text may be that is read, by the place where it stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextLimits:
    """depth: levels of nesting. repeated: values that aliases may add to one document.

    events: scalars, and starts and ends of lists and mappings; characters: of the whole text. 0: any number.
    """

    depth: int
    repeated: int
    events: int = 0
    characters: int = 0


FILE = TextLimits(depth=200, repeated=100_000)
"""Files are one document in memory at a time. The deepest objects of Kubernetes, schemas of CustomResourceDefinitions,
stay below 100 levels; goyaml.v2 lets aliases add about as much."""
CONFIG_MAP = TextLimits(depth=100, repeated=10_000, events=100_000, characters=1 << 20)
"""A key of a ConfigMap, which the API server limits to 1 MiB. MeshConfig and the injector's values have 12 levels."""
ANNOTATION = TextLimits(depth=50, repeated=1_000, events=10_000, characters=1 << 16)
"""An annotation; all of an object together have 256 KiB. A ProxyConfig has 8 levels and about 100 fields."""
POLICY = TextLimits(depth=10, repeated=1_000, events=50_000, characters=1 << 20)
"""A policy file has 4 levels."""
