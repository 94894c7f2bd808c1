"""Imports the kubernetes package without its front doors.

`import kubernetes` loads every client that the package has (streams, informers, OpenID): a second of processor time and
17 MiB, for a configuration and a pool of connections. Its modules do not need that.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_CLIENT = "kubernetes.client.api_client"
_FRONT_DOORS = ("kubernetes", "kubernetes.config", "kubernetes.utils")


def open_side_doors() -> None:
    """Puts packages without content in the place of those front doors that nobody has opened yet."""
    for name in _FRONT_DOORS:
        if name not in sys.modules:
            _put_bare(name)


def kube_config() -> ModuleType:
    """`kubernetes.config.kube_config`, whose client (every model, and pydantic: 7 MiB) comes when it is first made.

    It makes one only to renew the token of an OpenID provider.
    """
    if _CLIENT not in sys.modules:
        put = sys.modules[_CLIENT] = ModuleType(_CLIENT)
        put.ApiClient = _client  # type: ignore[attr-defined]
        try:
            return import_module("kubernetes.config.kube_config")
        finally:
            del sys.modules[_CLIENT]
            vars(sys.modules["kubernetes.client"]).pop("ApiClient", None)
    return import_module("kubernetes.config.kube_config")


def _client(*arguments: Any, **named: Any) -> Any:
    return import_module(_CLIENT).ApiClient(*arguments, **named)


def _put_bare(name: str) -> None:
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        return
    package = ModuleType(name)
    package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations)
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)
