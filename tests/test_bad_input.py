"""Odd and hostile input over real HTTPS: a review that can be read is answered with its uid, nothing is a 5xx."""

import copy
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from certs.encode import cert_pem, key_pem, negative_serial_pem
from certs.issue import Dates, Profile, make_ca, make_leaf
from examples import material
from examples.apiserver import Webhook, review, webhook
from examples.demo import WORKED
from tests.worked import deployment

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
FOREVER = Dates(Dates.around(NOW).start, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
SECRET_BYTES = 1024 * 1024
"""What a Secret can hold."""
VOLUME, MOUNT = "sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount"


def secrets() -> dict[str, dict[str, bytes]]:
    """Secrets of namespace devel that are odd, each in its own way; the first two are good."""
    ca = make_ca(Dates.around(NOW))
    client = make_leaf(ca, Dates.around(NOW))
    good = {"cert": cert_pem(client), "key": key_pem(client), "cacert": cert_pem(ca)}
    room = SECRET_BYTES - len(good["cert"]) - len(good["key"])
    bundle = cert_pem(ca) * (room // len(cert_pem(ca)))
    lasting, one = make_leaf(ca, FOREVER), make_leaf(ca, Dates.around(NOW), Profile(serial=1))
    return {
        "large": good | {"cacert": bundle},
        "year-9999": good | {"cert": cert_pem(lasting), "key": key_pem(lasting)},
        "negative-serial": good | {"cert": negative_serial_pem(one)},
        "large-garbage": good | {"cacert": b"-----BEGIN CERTIFICATE-----\n" * (room // 28)},
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """A webhook on the worked example and the odd Secrets."""
    folder, cluster = tmp_path_factory.mktemp("webhook"), tmp_path_factory.mktemp("cluster")
    material.write_webhook(folder, NOW)
    material.write_secrets(cluster / "secrets.yaml", secrets())
    for file in WORKED.glob("*.yaml"):
        (cluster / file.name).write_text(file.read_text())
    with webhook(folder, cluster) as running:
        yield running


def post(server: Webhook, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    """Status and text of one answer; a server that takes longer than the API server would wait fails the test."""
    context = ssl.create_default_context(cafile=server.folder / "ca.crt")
    connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=30)
    try:
        connection.request("POST", "/validate?timeout=10s", body, {"Content-Type": kind})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def rules(server: Webhook, asked: Mapping[str, Any]) -> list[str]:
    """The rules of the answer to a review, which carries its uid."""
    status, text = post(server, json.dumps(asked).encode())
    answer = json.loads(text)["response"]
    assert (status, answer["uid"]) == (200, asked["request"]["uid"])
    if not answer["allowed"]:
        return [cause["reason"] for cause in answer["status"]["details"]["causes"]]
    return [line.rpartition("[")[2].rstrip("]") for line in answer.get("warnings", ())]


def mounting(secret: str) -> Any:
    """The worked example's Deployment on another Secret."""
    made = copy.deepcopy(dict(deployment()))
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    annotations[VOLUME] = annotations[VOLUME].replace(
        '"secretName":"external-system-mtls-data"', f'"secretName":"{secret}"'
    )
    return made


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        ("large", ["bundle-oversized"]),
        ("year-9999", []),
        ("negative-serial", ["pem-damaged"]),
        ("large-garbage", ["bundle-oversized"]),
    ],
)
def test_an_odd_secret_has_its_verdict(server: Webhook, secret: str, found: list[str]) -> None:
    """Of a file with more than 1,000 blocks only that is said: what makes it good may stand behind them."""
    assert rules(server, review("CREATE", mounting(secret))) == found


def test_a_secret_in_review_may_be_written_as_string_data(server: Webhook) -> None:
    values = {key: value.decode() for key, value in secrets()["year-9999"].items()}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "large", "namespace": "devel"}}
    assert rules(server, review("UPDATE", {**made, "stringData": values}, {**made, "stringData": values})) == []


def test_a_rollout_with_its_template_elsewhere_passes(server: Webhook) -> None:
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "sample-app", "namespace": "devel"},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample-app"}},
    }
    assert rules(server, review("CREATE", rollout)) == []


def test_annotations_that_nobody_knows_change_nothing(server: Webhook) -> None:
    made = mounting("year-9999")
    odd = {"sidecar.istio.io/unheardOf": "{", "example.com/x": "", "": "", "\x00\u202e": "\ud7ff"}
    made["spec"]["template"]["metadata"]["annotations"] |= odd
    assert rules(server, review("CREATE", made)) == []


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field of a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in pairs:
        yield (*path, key)
        yield from fields(held, (*path, key))


@pytest.mark.parametrize("odd", [None, 7, "text", []], ids=repr)
def test_any_field_may_be_null_or_of_the_wrong_type(server: Webhook, odd: Any) -> None:
    """Each field of the Deployment's review in turn; without a uid it is a 400, else the uid comes back."""
    whole = review("UPDATE", mounting("year-9999"), mounting("year-9999"))
    for path in fields(whole):
        asked = copy.deepcopy(whole)
        here: Any = asked
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = odd
        status, text = post(server, json.dumps(asked).encode())
        if status != 400:
            assert (status, json.loads(text)["response"]["uid"]) == (200, asked["request"]["uid"]), path
            assert "internal-error" not in text, path
        else:
            assert path in {("apiVersion",), ("kind",), ("request",), ("request", "uid")}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"\xff\xfe{", 400, "invalid UTF-8 at byte 0"),
        (b'{"kind": "Admission', 400, "the body is not JSON"),
        (b'{"a":' * 201 + b"1" + b"}" * 201, 400, "the body is nested deeper than 200 levels"),
        (b" " * 8 * SECRET_BYTES, 413, "8388608"),
    ],
    ids=["UTF-8", "cut", "deep", "8 MiB"],
)
def test_what_cannot_be_read_is_told_where_and_what(server: Webhook, body: bytes, status: int, said: str) -> None:
    reply = post(server, body)
    assert reply[0] == status
    assert said in reply[1]


def test_nothing_of_all_this_left_an_error_in_the_log(server: Webhook) -> None:
    lines = [json.loads(line) for line in (server.folder / "log").read_text().splitlines()]
    assert [line for line in lines if line["level"] == "error"] == []
