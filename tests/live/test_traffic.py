"""A request really carries the client certificate: Istio's own istiod, injector, agent and Envoy.

Nothing of ours judges itself here: what the partner, a TLS server, saw of the connection is what counts.
"""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from certs.bundle import Partners, partners
from certs.encode import cert_pem, key_pem
from examples.material import secret
from prove.machine import demand_sidecars
from prove.mesh import mesh
from prove.outcome import Kind, Outcome
from prove.stage import Stage
from rig.control_plane import control_plane
from rig.installation import installed

pytestmark = pytest.mark.slow

WORKED = Path(__file__).resolve().parents[2] / "examples" / "worked"
NAME, HOST = "external-system-mtls-data", "external.system.com"
URL = f"http://{HOST}/"
BY_HAND = ("sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount")
AS_CLIENT = Outcome(Kind.WORKS, "O=Example,CN=client")


@pytest.fixture(scope="module")
def both() -> Partners:
    return partners(datetime.now(UTC))


@pytest.fixture(scope="module")
def stage(both: Partners) -> Iterator[Stage]:
    """The worked example on a mesh with our chart, all but its Deployment."""
    demand_sidecars()
    with control_plane() as cluster, mesh(cluster) as istio, installed(cluster):
        cluster.kubectl("apply", "-f", str(WORKED / "namespaces.yaml"))
        found = Stage(istio)
        found.meet(both.ca, frozenset({HOST}))
        found.put(secret(NAME, files_of(both)), *yaml.safe_load_all((WORKED / "istio.yaml").read_text()))
        yield found


def files_of(both: Partners) -> dict[str, bytes]:
    """The Secret of the worked example."""
    return {"cert": cert_pem(both.client), "key": key_pem(both.client), "cacert": cert_pem(both.ca)}


def deployment(*, by_hand: bool) -> dict[str, Any]:
    """The worked example's Deployment; or the same with one annotation of ours in place of Istio's two."""
    made: dict[str, Any] = copy.deepcopy(yaml.safe_load((WORKED / "deployment.yaml").read_text()))
    metadata = made["spec"]["template"]["metadata"]
    if not by_hand:
        for name in BY_HAND:
            del metadata["annotations"][name]
        metadata["annotations"]["mtls-guard.io/client-secret"] = NAME
    return made


def test_the_worked_example_calls_its_partner_as_the_client(stage: Stage) -> None:
    """By hand: two annotations with JSON."""
    with stage.pod(deployment(by_hand=True)) as running:
        assert stage.request(running, URL, frozenset({AS_CLIENT.detail})) == AS_CLIENT


def test_one_annotation_of_ours_does_the_same(stage: Stage) -> None:
    """Our mutation runs before Istio's injector, which finds both of its annotations."""
    created = stage.create(deployment(by_hand=False))
    assert json.loads(created["metadata"]["annotations"][BY_HAND[0]])
    with stage.pod(deployment(by_hand=False)) as running:
        assert stage.request(running, URL, frozenset({AS_CLIENT.detail})) == AS_CLIENT


def test_it_does_the_same_under_a_revision_tag(stage: Stage, both: Partners) -> None:
    """The configuration of a tag has another name, and its injector runs after us, too."""
    labels = {"istio.io/rev": "rapid"}
    stage.put(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tagged", "labels": labels}},
        {**secret(NAME, files_of(both)), "metadata": {"name": NAME, "namespace": "tagged"}},
    )
    made = deployment(by_hand=False)
    made["metadata"]["namespace"] = "tagged"
    with stage.pod(made) as running:
        assert stage.request(running, URL, frozenset({AS_CLIENT.detail})) == AS_CLIENT


def test_without_any_annotation_the_request_fails(stage: Stage) -> None:
    """So what the others prove does not come from the mesh by itself."""
    made = deployment(by_hand=False)
    del made["spec"]["template"]["metadata"]["annotations"]["mtls-guard.io/client-secret"]
    with stage.pod(made) as running:
        assert stage.request(running, URL, frozenset({AS_CLIENT.detail})).kind is Kind.FAILS
