"""Bad input over HTTP: `/mutate` lets the object pass as it is, and `/validate` says why and what to type."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import jsonpatch
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from examples.apiserver import review
from tests import worked
from tests.injecting import ASKS, SECRET, opted, pod, reading, rule
from tests.test_inject import two_rules
from tests.test_web import Notes
from webhook.engine import judge
from webhook.examples import AT
from webhook.inject import mutate
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.model.expiry_horizon import Horizon
from webhook.policy import Policy
from webhook.view import Snapshot
from webhook.web import create_app

JSON = {"Content-Type": "application/json"}
Manifest = dict[str, Any]
BIG = "x" * 200_000
LOST = '[{"name":"lost","mountPath":"/etc/mtlsfiles"}]'
BOTH = "external.system.com, partner.example.com"
SPREAD = {"clientCertificate": "/a/cert", "privateKey": "/b/key", "caCertificates": "/c/cacert"}


def client(view: Snapshot) -> FlaskClient:
    """The webhook over this cluster."""
    return create_app(
        lambda request: judge(request, view, Policy(), AT),
        str,
        Notes(),
        lambda request: mutate(request, view, Horizon(AT)),
    ).test_client()


def ask(view: Snapshot, path: str, manifest: Manifest, **more: Any) -> Mapping[str, Any]:
    """The response to the creation of the object; the answer is always a 200."""
    asked = review("CREATE", manifest)
    asked["request"] |= more
    answer = client(view).post(path, data=json.dumps(asked), headers=JSON)
    assert answer.status_code == 200
    response: Mapping[str, Any] = answer.get_json()["response"]
    assert response["uid"] == asked["request"]["uid"]
    return response


def spread() -> Snapshot:
    """A rule whose three paths lie in three directories."""
    return worked.cluster(rule(SPREAD), without=("DestinationRule",))


def rivals() -> Snapshot:
    """Two rules that want different files at one path: each names a Secret of its own for everyone."""
    return two_rules("/etc/mtlsfiles")


Makes = Callable[..., Manifest]
BAD: dict[str, tuple[Callable[[], Snapshot], Callable[[Makes], Manifest], str, str]] = {
    "JSON that does not parse": (
        worked.cluster,
        lambda make: make({**ASKS, USER_VOLUME: '[{"name":"a",}]'}),
        "annotation-not-json",
        "remove that comma",
    ),
    "a mount without a volume": (
        worked.cluster,
        lambda make: make({**ASKS, USER_VOLUME_MOUNT: LOST}),
        "mount-without-volume",
        'add {"name":"lost","secret":{"secretName":"NAME"}} to sidecar.istio.io/userVolume',
    ),
    "a rule whose three paths lie in three directories": (
        spread,
        lambda make: make({**ASKS, "mtls-guard.io/destinations": "external.system.com"}),
        "injection-impossible",
        "let the rule read all of them from one directory",
    ),
    "two rules that want different files at one path": (
        rivals,
        lambda make: make({"mtls-guard.io/inject": "true", "mtls-guard.io/destinations": BOTH}),
        "injection-impossible",
        "read from another directory than",
    ),
    "a broken annotation of 200 KB": (
        worked.cluster,
        lambda make: make({**ASKS, USER_VOLUME: f'[{{"name":"{BIG}'}),
        "annotation-not-json",
        "write a list of objects",
    ),
    "an annotation of 200 KB beside others, so that no more fits": (
        worked.cluster,
        lambda make: make({**ASKS, "a": BIG, "b": "x" * 62_000}),
        "injection-impossible",
        "shorten the annotations",
    ),
}
MAKES: dict[str, Makes] = {"Pod": pod, "Deployment": opted}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
@pytest.mark.parametrize(("view", "bad", "law", "remedy"), BAD.values(), ids=BAD)
def test_bad_input_passes_unchanged_and_is_refused(
    view: Callable[[], Snapshot], bad: Callable[[Makes], Manifest], law: str, remedy: str, make: Makes
) -> None:
    cluster, manifest = view(), bad(make)
    passed, judged = ask(cluster, "/mutate", manifest), ask(cluster, "/validate", manifest)
    assert (passed["allowed"], "patch" in passed) == (True, False)
    assert (judged["allowed"], judged["status"]["code"]) == (False, 403)
    assert f"[{law}]" in judged["status"]["message"]
    assert remedy in " ".join(judged["status"]["message"].split())


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_large_annotation_is_merged(make: Makes) -> None:
    held = [{"name": "wasm", "configMap": {"name": "wasm"}, "note": BIG}]
    manifest = make({**ASKS, USER_VOLUME: json.dumps(held)})
    answer = ask(worked.cluster(), "/mutate", manifest)
    made = jsonpatch.apply_patch(manifest, json.loads(base64.b64decode(answer["patch"])))
    pod_of = made if make is pod else made["spec"]["template"]
    assert json.loads(pod_of["metadata"]["annotations"][USER_VOLUME])[0] == held[0]


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_missing_secret_refuses_the_object_with_a_command(make: Makes) -> None:
    """Nothing of it is stored, patched or not; decision 0010 says why the plan mounts the Secret all the same."""
    view, manifest = worked.cluster(without=("Secret",)), make()
    patched = jsonpatch.apply_patch(manifest, json.loads(base64.b64decode(ask(view, "/mutate", manifest)["patch"])))
    for one in (manifest, patched) if make is opted else (patched,):
        judged = ask(view, "/validate", one)
        assert judged["allowed"] is False
        words = " ".join(judged["status"]["message"].split())
        assert "does not exist" in words
        assert "create it, or apply the same input again if that contains it, or what makes it:" in words
        assert f"secret generic {SECRET} --from-file=cert=FILE" in words


def test_a_dry_run_is_answered_as_what_it_tries() -> None:
    manifest = pod()
    tried, done = (ask(worked.cluster(), "/mutate", manifest, dryRun=dry) for dry in (True, False))
    assert tried["patch"] == done["patch"]


BROKEN = st.text(max_size=40) | st.sampled_from(["[", '{"a":', "[1]", '[{"name":1}]', "{}", '"x"', "\x00", "💥"])


@given(BROKEN, BROKEN, st.sampled_from([reading("/etc/mtlsfiles"), SPREAD, reading("/etc"), reading("")]))
def test_any_annotation_is_answered_and_allowed(volumes: str, mounts: str, paths: dict[str, str]) -> None:
    manifest = pod({**ASKS, USER_VOLUME: volumes, USER_VOLUME_MOUNT: mounts})
    view = worked.cluster(rule(paths), without=("DestinationRule",))
    assert ask(view, "/mutate", manifest)["allowed"] is True
