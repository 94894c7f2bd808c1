"""Which services of one host sidecars of a namespace see, where there are many."""

from collections.abc import Iterator, Sequence

import pytest

from tests.istio_objects import config, entry, kubernetes
from webhook.istio.pilot.services import visible
from webhook.model.mesh import Mesh, Service

HOST = "external.system.com"
NAMESPACES = tuple(f"team-{number}" for number in range(5))
EXPORTS = (("*",), (".",), ("~",), ("team-1", "."), ("team-2", "team-3"), (), (".", "*"))


def many(exports: Sequence[tuple[str, ...]] = EXPORTS) -> Iterator[Service]:
    """One of each export in each namespace, and a Kubernetes Service with the host."""
    for place, namespace in enumerate(NAMESPACES):
        for number, export_to in enumerate(exports):
            created = f"2026-01-{1 + (7 * place + 3 * number) % 28:02}T00:00:00Z"
            yield entry(namespace=namespace, name=f"entry-{number}", export_to=export_to, created=created)
    yield kubernetes("service", "team-4", host=HOST)


@pytest.mark.parametrize("default", [(), ("*",), (".",), ("~",), ("team-2",)])
def test_services_exported_to_namespace_are_visible(default: tuple[str, ...]) -> None:
    mesh = Mesh(default_service_export_to=default)
    index = config(*many(), mesh=mesh).services
    counts = set()
    for namespace in (*NAMESPACES, "elsewhere"):
        expected = [one for one in index.of_host(HOST) if visible(one, namespace, mesh)]
        assert index.visible(HOST, namespace, mesh) == expected
        counts.add(len(expected))
    assert len(counts) > 1


def test_what_is_seen_follows_the_services_that_come_and_go() -> None:
    mesh = Mesh()
    index = config(*many([(".",), ("*",)]), mesh=mesh).services
    before, copy = index.visible(HOST, "team-1", mesh), index.copy()
    private = entry(namespace="team-1", name="new", export_to=(".",), created="2027-01-01T00:00:00Z")
    copy.put(private)
    assert copy.visible(HOST, "team-1", mesh) == [*before, private]
    copy.remove(private.ref)
    assert copy.visible(HOST, "team-1", mesh) == index.visible(HOST, "team-1", mesh) == before
