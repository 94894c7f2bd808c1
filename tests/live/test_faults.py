"""What happens to a cluster happens to us: our server, behind a real API server, while things around it break.

Whatever breaks: who is right is not refused, and once it is mended who is wrong is refused again.
"""

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from examples.apiserver import review
from rig.control_plane import ControlPlane, control_plane
from rig.line import Line, to_port
from rig.waiting import until
from tests.live.guard import Guard, Haste
from tests.live.mesh_objects import (
    DEPLOYMENTS,
    ENTRIES,
    RULES,
    TEAM,
    Object,
    declaring,
    namespace,
    partner,
    rule,
    secret,
    workload,
)
from webhook.cli import group
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import SECRETS, Resource

pytestmark = pytest.mark.slow

HASTE = Haste(watch=4, stale=10)
DENIED, UNANSWERED = 'admission webhook "all.mtls-guard.io" denied the request', "failed calling webhook"
GOOD = workload("app", "/etc/right", "one")
WRONG = declaring("app", "/etc/wrong", "one", "one")
WITHOUT = workload("app", "/etc/right", "nowhere")
BROKEN = workload("app", "/etc/right", "one")
BROKEN["spec"]["template"]["metadata"]["annotations"]["sidecar.istio.io/userVolume"] = "{"
BUSY = "busy"
OUTAGE_SECONDS = 30
MEGABYTE = 1_000_000
OURS = "mtls-guard"
SILENT = rf"NO  watches of {OURS}: there is no news of (\S+( \S+)? \(for [1-4]\d s\)(, )?){{4}} and \d+ more"


@dataclass(frozen=True, slots=True)
class Scene:
    """A cluster, the line by which our server hears of it, and our server, which it asks."""

    plane: ControlPlane
    line: Line
    guard: Guard
    api: ApiClient

    def says(self, manifest: Object) -> str:
        """What the API server says of a workload, as a dry run; '' when it takes it."""
        try:
            self.api.create(DEPLOYMENTS, manifest, {"dryRun": "All"})
        except ClusterError as error:
            return str(error)
        return ""

    def shows(self, manifest: Object) -> str:
        """All that kubectl shows a person who creates it, as a dry run."""
        sent = json.dumps(manifest)
        ran = self.plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=sent, check=False)
        return ran.stdout + ran.stderr

    def doctor(self, beginning: str) -> tuple[str, str]:
        """What doctor says of one thing, and what stands under it."""
        said = CliRunner().invoke(group, ["doctor", "--kubeconfig", str(self.plane.kubeconfig)]).output.splitlines()
        return next((line, below) for line, below in pairwise([*said, ""]) if line[4:].startswith(beginning))

    def judges_as_ever(self) -> bool:
        """Whether what is right is taken without a word, what is wrong refused, and a missing Secret warned of."""
        wrong, without, good = self.says(WRONG), self.shows(WITHOUT), self.shows(GOOD)
        reported = "[file-not-mounted]" in wrong and "[secret-missing]" in without
        return reported and "created" in good and "Warning" not in good

    def told(self, message: str) -> list[Object]:
        """The lines of our server's log with this message."""
        lines = self.guard.child.log.read_text(encoding="utf-8").splitlines()
        read = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in read if line["message"] == message]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A team whose partner is reached with files in /etc/right."""
    with control_plane() as plane, Line(to_port(plane.port)) as line:
        plane.apply_istio_crds()
        plane.apply(
            namespace(), namespace(BUSY), namespace(OURS), partner("one"), rule("one", "/etc/right"), secret("one")
        )
        guard = Guard(plane, _through(plane, line), HASTE)
        until(lambda: guard.ask("/readyz")[0] == 200, "the view is in sync", 120)
        guard.stand_as_pod(plane, OURS, OURS)
        plane.apply(guard.entry())
        made = Scene(plane, line, guard, ApiClient(from_kubeconfig(plane.kubeconfig)))
        until(made.judges_as_ever, "our server is asked")
        yield made


def _through(plane: ControlPlane, line: Line) -> Path:
    """The administrator's kubeconfig, through the line."""
    text = plane.kubeconfig.read_text(encoding="utf-8").replace(f":{plane.port}", f":{line.port}")
    file = plane.folder / "through.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return file


@contextmanager
def held(scene: Scene) -> Iterator[None]:
    """While our server hears nothing of the cluster, and nobody tells it so."""
    scene.line.hold()
    try:
        yield
    finally:
        scene.line.release()


@dataclass(eq=False)
class Load:
    """Teams that go on working: who is right is never refused, for whatever reason of ours."""

    scene: Scene
    ended: threading.Event = field(default_factory=threading.Event)
    taken: int = 0
    refused: list[str] = field(default_factory=list)

    def work(self, team: int) -> None:
        """Makes what a workload needs, then the workload, one after the other; what the API server lost, again."""
        for number in range(10_000):
            name, folder = f"load-{team}-{number}", f"/etc/load-{team}-{number}"
            needed = [(SECRETS, secret(name, BUSY)), (ENTRIES, partner(name, BUSY)), (RULES, rule(name, folder, BUSY))]
            for resource, manifest in (*needed, (DEPLOYMENTS, workload(name, folder, name, BUSY))):
                if not self._made(resource, manifest):
                    return
            self.taken += 1

    def _made(self, resource: Resource, manifest: Object) -> bool:
        while not self.ended.is_set():
            try:
                self.scene.api.create(resource, manifest)
            except ClusterError as error:
                if DENIED in str(error) or UNANSWERED in str(error):
                    self.refused.append(str(error))
                    return False
                if "409" in str(error):
                    return True
                self.ended.wait(0.2)
            else:
                return True
        return False


@contextmanager
def load(scene: Scene) -> Iterator[Load]:
    """Two teams at work."""
    working = Load(scene)
    threads = [threading.Thread(target=working.work, args=(team,)) for team in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield working
    finally:
        working.ended.set()
        for thread in threads:
            thread.join(60)


def test_api_server_restart_under_load_causes_no_wrong_verdict(scene: Scene) -> None:
    with load(scene) as working:
        until(lambda: working.taken > 3 or working.refused, "teams are at work")
        scene.plane.restart_api_server()
        before = working.taken
        until(lambda: working.taken > before + 3 or working.refused, "they are at work again")
    assert working.refused == []
    until(scene.judges_as_ever, "it judges as ever")


def _of_the_silent(scene: Scene) -> str:
    """What doctor says to do once it names all silent kinds, '' before: each was heard of at another moment."""
    silent, remedy = scene.doctor(f"watches of {OURS}")
    return remedy if re.fullmatch(SILENT, silent) else ""


def test_hanging_view_denies_nothing_and_names_since_when(scene: Scene) -> None:
    """The entry is `Fail` and waits 3 seconds: an answer that takes longer would be a refusal."""
    with held(scene):
        for manifest in (GOOD, WRONG, WITHOUT):
            assert scene.says(manifest) == ""
        until(lambda: "were last heard of at" in scene.shows(WRONG), "it is said since when")
        for manifest in (GOOD, WRONG, WITHOUT):
            assert scene.says(manifest) == ""
        remedy = until(lambda: _of_the_silent(scene), "doctor names the kinds of which there is no news")
        assert remedy.startswith(
            "      it may not list and watch namespaces, services, "
        )  # no chart gave it a right here
    until(scene.judges_as_ever, "it judges as ever")
    until(lambda: scene.doctor(f"watches of {OURS}")[0].startswith("ok  "), "doctor has nothing to say of watches")


def test_watches_answered_with_410_relist(scene: Scene) -> None:
    """The API server was replaced behind our back; it does not know any more what had happened before."""
    scene.plane.apply(partner("doomed"), rule("doomed", "/etc/doomed"), secret("doomed"))
    scene.plane.apply(workload("doomed", "/etc/doomed", "doomed"))
    kinds = {line.split('"')[1] for line in scene.guard.measured().splitlines() if "watch_age_seconds{" in line}
    with held(scene):
        scene.plane.kubectl("delete", "destinationrule,serviceentry", "doomed", "-n", TEAM)
        scene.plane.kubectl("annotate", "namespace", TEAM, "changed=1")
        scene.plane.restart_api_server()
        scene.plane.apply(partner("late"))
    assert len(kinds) > 15
    until(lambda: _expired(scene) >= kinds, f"410 for each of {sorted(kinds)}", 120)
    until(scene.judges_as_ever, "it judges as ever")
    shown = scene.shows(workload("other", "/etc/doomed", "doomed"))
    assert '"/etc/doomed" does not provide the files that DestinationRule devel/one refers to' in shown
    assert "devel/doomed" not in shown


def _expired(scene: Scene) -> set[str]:
    return {line["kind"] for line in scene.told("watch interrupted") if "410" in line["problem"]}


def test_nothing_unconfirmed_is_denied_while_etcd_is_down(scene: Scene) -> None:
    verdicts: list[tuple[Object, str]] = []
    scene.plane.etcd.kill()
    end = time.monotonic() + OUTAGE_SECONDS
    with load(scene) as working:
        while time.monotonic() < end:
            verdicts += [
                (one, scene.guard.ask("/validate", review("CREATE", one))[1]) for one in (GOOD, WRONG, WITHOUT)
            ]
        refused = scene.guard.ask("/validate", review("CREATE", BROKEN))[1]
        scene.plane.restart_etcd()
        before = working.taken
        until(lambda: working.taken > before + 3 or working.refused, "teams are at work again", 120)
    assert {(one["metadata"]["name"], json.loads(said)["response"]["allowed"]) for one, said in verdicts} == {
        ("app", True)
    }
    assert "[annotation-not-json]" in refused
    assert working.refused == []
    until(scene.judges_as_ever, "it judges as ever")


def test_in_a_namespace_that_is_being_deleted_nothing_is_held_up(scene: Scene) -> None:
    plane, team = scene.plane, "leaving"
    app = workload("app", "/etc/two", "two", team)
    app["metadata"]["finalizers"] = ["example.com/slow"]
    plane.apply(namespace(team), partner("two", team), rule("two", "/etc/two", team), secret("two", team), app)
    wrong = declaring("app", "/etc/wrong", "two", "two")["spec"]["template"]["metadata"]["annotations"]
    patch = json.dumps({"spec": {"template": {"metadata": {"annotations": wrong}}}})
    break_it = ("patch", "deployment/app", "-n", team, "--type=merge", "-p", patch)
    tried = (*break_it, "--dry-run=server")
    until(lambda: DENIED in plane.kubectl(*tried, check=False).stderr, "it is refused while the namespace stays")
    plane.kubectl("delete", "namespace", team, "--wait=false")
    plane.kubectl(*break_it)
    plane.kubectl("patch", "deployment/app", "-n", team, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    plane.kubectl("wait", "--for=delete", f"namespace/{team}", "--timeout=120s")
    until(scene.judges_as_ever, "it judges as ever")


def test_secrets_that_nothing_references_cost_no_memory(scene: Scene) -> None:
    """Three hundred of one megabyte; the last test here, since they stay."""
    value = b64encode(bytes(MEGABYTE)).decode()

    def make(number: int) -> None:
        named = {"name": f"big-{number}", "namespace": BUSY}
        scene.api.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": named, "data": {"big": value}})

    until(scene.judges_as_ever, "it judges as ever")
    if scene.plane.controllers:
        scene.plane.controllers.pause()  # its garbage collector would look at each
    before = memory_bytes(scene)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(make, range(300)))) == 300
    until(scene.judges_as_ever, "it judges as ever")
    assert memory_bytes(scene) - before < 10 * MEGABYTE


def memory_bytes(scene: Scene) -> int:
    """What our server has in memory, with everything that it started."""
    server = psutil.Process(scene.guard.child.process.pid)
    return sum(int(one.memory_info().rss) for one in (server, *server.children(recursive=True)))
