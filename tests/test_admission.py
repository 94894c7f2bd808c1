"""AdmissionReviews end to end, without a socket: recorded requests and their answers, and laws on any JSON.

`UPDATE_GOLDEN=1 python -m pytest tests/test_admission.py` writes the answers anew; read the difference afterwards.
"""

import copy
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import material
from examples.demo import WORKED
from webhook.logs import RequestLog
from webhook.server.manifest_backend import ManifestBackend, embed
from webhook.web import create_app

GOLDEN = Path(__file__).parent / "golden"
REQUESTS = sorted(path.name.removesuffix(".request.json") for path in GOLDEN.glob("*.request.json"))
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
PATIENCE_SECONDS = 2.0
REFUSED_NAME = re.compile("the object's (?:name|namespace|kind|apiVersion): expected ")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> ManifestBackend:
    """The worked example with its Secrets, and those that the broken variants name."""
    file = tmp_path_factory.mktemp("cluster") / "secrets.json"
    made = material.secrets(AT)
    half = {key: made["expired"][key] for key in ("cert", "key")}
    material.write_secrets(file, made | {"expired-without-cacert": half})
    return embed([str(WORKED), str(file)], None)


class Strict(RequestLog):
    """A log in which an internal error is a failed test."""

    def failed(self, review: Any, error: Exception) -> None:
        raise RuntimeError(f"while judging {review}") from error


@pytest.fixture(scope="module")
def client(cluster: ManifestBackend) -> FlaskClient:
    """The web application on that cluster; nothing in it may raise."""
    app = create_app(cluster.judge_at(AT), str, Strict())
    app.testing = True
    return app.test_client()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_recorded_request_has_its_recorded_answer(name: str, client: FlaskClient) -> None:
    reply = client.post("/validate", data=(GOLDEN / f"{name}.request.json").read_bytes(), headers=JSON)
    file = GOLDEN / f"{name}.response.json"
    text = json.dumps(reply.get_json(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert (reply.status_code, text) == (200, file.read_text(encoding="utf-8"))


def test_nothing_is_left_over_among_the_recorded_answers() -> None:
    expected = {f"{name}.{side}.json" for name in REQUESTS for side in ("request", "response")}
    assert {path.name for path in GOLDEN.iterdir()} == expected


def test_every_recorded_answer_has_the_uid_of_its_request() -> None:
    uids = [
        [json.loads((GOLDEN / f"{name}.{side}.json").read_text())[key]["uid"] for name in REQUESTS]
        for side, key in (("request", "request"), ("response", "response"))
    ]
    assert uids[0] == uids[1]


def test_the_last_of_two_equal_keys_counts(client: FlaskClient) -> None:
    """As for the API server itself, whose JSON decoder is Go's."""
    body = (GOLDEN / "create-works.request.json").read_text().replace('"uid":', '"uid": "first", "uid":', 1)
    uid = client.post("/validate", data=body, headers=JSON).get_json()["response"]["uid"]
    assert uid == json.loads((GOLDEN / "create-works.request.json").read_text())["request"]["uid"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KINDS = (
    "create-two-faults",
    "update-new-fault",
    "rule-mode-simple",
    "delete-rule",
    "create-cronjob",
    "create-generated-name",
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value inside."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def with_value(review: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The review with another value at the path."""
    if not path:
        return value
    made = copy.deepcopy(review)
    here = made
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return made


@st.composite
def reviews(draw: st.DrawFn) -> Any:
    """A recorded request in which one or two fields hold anything."""
    made = json.loads((GOLDEN / f"{draw(st.sampled_from(KINDS))}.request.json").read_text())
    for _ in range(draw(st.integers(1, 2))):
        made = with_value(made, draw(st.sampled_from(list(places(made)))), draw(values))
    return made


def uid_of(review: Any) -> str | None:
    """The uid with which a review must be answered, None when it is none that can be read."""
    if not isinstance(review, dict) or not isinstance(review.get("request"), dict):
        return None
    envelope = (review.get("kind"), review.get("apiVersion")) == ("AdmissionReview", "admission.k8s.io/v1")
    uid = review["request"].get("uid")
    return uid if envelope and isinstance(uid, str) and uid else None


def hold(client: FlaskClient, review: Any) -> None:
    """Sends a review, and holds what is always true of the answer."""
    started = time.process_time()
    reply = client.post("/validate", data=json.dumps(review), headers=JSON)
    assert time.process_time() - started < PATIENCE_SECONDS
    uid = uid_of(review)
    if uid is None or REFUSED_NAME.match(reply.text):
        assert (reply.status_code, reply.mimetype) == (400, "text/plain")
    else:
        assert (reply.status_code, reply.get_json()["response"]["uid"]) == (200, uid)
        assert "internal-error" not in reply.text


@given(values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_meets_an_answer(client: FlaskClient, value: Any) -> None:
    hold(client, value)


@given(reviews())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_in_any_field_meets_an_answer_with_the_uid(client: FlaskClient, review: Any) -> None:
    hold(client, review)


@given(st.binary(max_size=200))
def test_any_bytes_meet_a_4xx_or_an_answer(client: FlaskClient, body: bytes) -> None:
    assert client.post("/validate", data=body, headers=JSON).status_code in (200, 400)


@pytest.mark.parametrize(
    "value",
    [
        "[" * 1000 + "]" * 1000,
        json.dumps("x" * 3_000_000),
        json.dumps([{"name": f"v{n}", "secret": {"secretName": "x"}} for n in range(3000)]),
        '[{"name":' * 900 + "1" + "}]" * 900,
    ],
    ids=["deep", "long", "many", "deeper"],
)
@pytest.mark.parametrize("field", ["userVolume", "userVolumeMount"])
def test_a_huge_or_deep_annotation_is_judged_in_bounded_time(client: FlaskClient, field: str, value: str) -> None:
    review = json.loads((GOLDEN / "create-works.request.json").read_text())
    template = review["request"]["object"]["spec"]["template"]
    template["metadata"]["annotations"][f"sidecar.istio.io/{field}"] = value
    hold(client, review)


def test_a_deep_object_is_refused_or_judged(client: FlaskClient) -> None:
    """At 200 levels we stop, long before the parser or anything of ours would."""
    review = json.loads((GOLDEN / "create-works.request.json").read_text())
    review["request"]["object"]["spec"]["template"] = "HERE"
    text = json.dumps(review)
    statuses = [
        client.post(
            "/validate", data=text.replace('"HERE"', '{"a":' * depth + "1" + "}" * depth), headers=JSON
        ).status_code
        for depth in (190, 201, 1100)
    ]
    assert statuses == [200, 400, 400]
