"""The command line as a person uses it: what it prints, where, and with which exit code it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.cli import group
from webhook.cli.object_argument import AmbiguousObject, choose
from webhook.cli.options import Instant
from webhook.model.workload import Workload
from webhook.view import Snapshot

TOP = Path(__file__).parent.parent
WORKED = TOP / "examples" / "worked"
MAIN = [sys.executable, "-c", "from webhook.main import run; run()"]
DEPLOYMENT = (WORKED / "deployment.yaml").read_text()
UNNEEDED = {
    *("asyncio", "concurrent.futures", "cryptography", "flask", "gunicorn", "jinja2", "jsonpatch", "kubernetes"),
    *("logging", "multiprocessing", "prometheus_client", "rich", "ruamel", "subprocess", "urllib3", "webhook.cluster"),
}
MOUNT = '"readonly":true}]'
BROKEN = DEPLOYMENT.replace(MOUNT, '"readonly":true},]')
WRONG_COMMA = """\
Deployment devel/sample-app has 1 fault
  deny  app.yaml:16  spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"]
        is not JSON (line 1 column 84: trailing comma, near ...a","readonly":true},]); Istio refuses every Pod
        fix: remove that comma  [annotation-not-json]

1 denied; 1 workload and 0 DestinationRules looked at; explain: mtls-guard explain annotation-not-json
"""


FIELDS = st.sampled_from(
    [
        "name",
        "namespace",
        "labels",
        "annotations",
        "template",
        "metadata",
        "spec",
        "host",
        "trafficPolicy",
        "tls",
        "portLevelSettings",
        "hosts",
        "containers",
        "sidecar.istio.io/userVolume",
        "sidecar.istio.io/userVolumeMount",
    ]
)
VERSIONS = st.sampled_from(("v1", "apps/v1", "batch/v1", "networking.istio.io/v1", "")) | st.text(max_size=5)
KINDS = st.sampled_from(
    ("Pod", "Deployment", "CronJob", "DestinationRule", "Secret", "ServiceEntry", "List", "Service")
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the worked example's Deployment, whose annotation has a comma too many."""
    (tmp_path / "app.yaml").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def call(*args: str, given: str | None = None, color: bool = False) -> Result:
    """One run within this process."""
    return CliRunner().invoke(group, args, input=given, color=color)


def start(*args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """One run as a process of its own."""
    return subprocess.Popen(
        [*MAIN, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TOP), **(env or {})},
    )


def wait_until_idle(pid: int) -> None:
    """Returns once the process has used processor time, and then none for half a second: it waits for somebody."""
    spent = -1.0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        times = psutil.Process(pid).cpu_times()
        if times.user + times.system == spent and spent > 0:
            return
        spent = times.user + times.system
        time.sleep(0.5)


@pytest.mark.usefixtures("folder")
def test_a_fault_is_told_with_file_and_line_and_exits_with_1() -> None:
    """The whole output, nothing on standard error."""
    result = call("check", ".")
    assert (result.stdout, result.stderr, result.exit_code) == (WRONG_COMMA, "", 1)


@pytest.mark.usefixtures("folder")
def test_a_small_check_imports_no_library_that_it_does_not_need() -> None:
    """Each would cost hundredths or tenths of a second of every start."""
    code = f"""
import sys
from webhook.main import run
try:
    run()
finally:
    print(*sorted({UNNEEDED!r}.intersection(sys.modules)), file=sys.stderr)
"""
    command = [sys.executable, "-c", code, "check", str(WORKED)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (answer.returncode, answer.stderr.strip()) == (0, "")


def test_standard_input_is_a_path_too() -> None:
    """As in `helm template . | mtls-guard check -`."""
    result = call("check", "-", given=BROKEN)
    assert (result.stdout, result.exit_code) == (WRONG_COMMA.replace("app.yaml:16", "-:16"), 1)


@pytest.mark.usefixtures("folder")
def test_what_is_unreadable_stands_on_standard_error_and_wins() -> None:
    """The rest is judged; the exit code says that not everything was."""
    Path("bad.yaml").write_text("a: [\n")
    result = call("check", ".")
    assert (result.stdout, result.stderr, result.exit_code) == (
        WRONG_COMMA.replace("1 denied", "1 denied, 1 not judged"),
        "bad.yaml:2: not YAML: while parsing a flow node, did not find expected node content (column 1)\n",
        2,
    )


@pytest.mark.usefixtures("folder")
def test_a_path_that_is_not_there_exits_with_2() -> None:
    """A wrong path must not pass in CI."""
    result = call("check", "nowhere")
    assert (result.stderr, result.exit_code) == ("nowhere: cannot be read: No such file or directory\n", 2)


@pytest.mark.usefixtures("folder")
def test_identical_duplicate_object_is_reported() -> None:
    """A render beside what it was made of."""
    Path("zz.yaml").write_text(Path("app.yaml").read_text())
    result = call("check", ".")
    assert (result.stderr, result.exit_code) == (
        "note: Deployment devel/sample-app stands in app.yaml:1 and in zz.yaml:1; the later one counts\n",
        1,
    )
    Path("zz.yaml").write_text(DEPLOYMENT)
    assert call("check", ".").exit_code == 2


@pytest.mark.usefixtures("folder")
def test_an_object_without_a_name_is_told_and_the_rest_is_judged() -> None:
    """Two of them would be taken for one."""
    nameless = BROKEN.replace("name: sample-app\n  namespace", "name: 5\n  namespace")
    result = call("check", "-", given=f"{BROKEN}---\n{nameless}---\nkind: Config\napiVersion: v1\n")
    assert (result.stderr, result.stdout.splitlines()[0], result.exit_code) == (
        "-:25: this Deployment has no metadata.name\n",
        "Deployment devel/sample-app has 1 fault",
        2,
    )


def test_helm_template_with_quoted_braces_is_recognised() -> None:
    """It is YAML, and no object of a cluster has such a name."""
    result = call("check", "-", given=DEPLOYMENT.replace("name: sample-app\n", 'name: "{{ .Release.Name }}"\n', 1))
    assert (result.stderr, result.exit_code) == (
        (
            "-:1: looks like an unrendered Helm template; render it first: "
            "helm template RELEASE CHART | mtls-guard check -\n"
        ),
        2,
    )


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=100)
@given(
    st.lists(st.fixed_dictionaries({"apiVersion": VERSIONS, "kind": KINDS, "metadata": ANY, "spec": ANY}), max_size=3)
)
def test_odd_objects_are_judged_or_told(objects: list[object]) -> None:
    """Whatever stands in their fields: an exit code, an answer in the contract's form, no traceback."""
    result = call("check", "-", "-o", "json", given="\n---\n".join(map(json.dumps, objects)))
    told = json.loads(result.stdout)
    assert (result.exception is None or isinstance(result.exception, SystemExit), sorted(told)) == (
        True,
        ["at", "unreadable", "verdicts", "version"],
    )


def test_the_worked_example_without_its_secret_does_not_cry_wolf() -> None:
    """Git holds no Secrets: what is not in the input is said, and nothing is denied; to fail on it is a choice."""
    results = [call("check", str(WORKED), "-o", "json", "--fail-on", level) for level in ("deny", "warn")]
    verdicts = json.loads(results[0].stdout)["verdicts"]
    assert [(one["object"]["kind"], one["verdict"]) for one in verdicts] == [
        ("Deployment", "warn"),
        ("DestinationRule", "allow"),
    ]
    assert [(one["rule"], one["severity"]) for one in verdicts[0]["findings"]] == [("secret-not-in-input", "warn")]
    assert [result.exit_code for result in results] == [0, 1]


def test_a_complete_input_without_the_secret_is_denied() -> None:
    """--complete says that what is not in it does not exist."""
    result = call("check", str(WORKED), "-o", "json", "--complete")
    found = [finding["rule"] for verdict in json.loads(result.stdout)["verdicts"] for finding in verdict["findings"]]
    assert ("secret-missing" in found, result.exit_code) == (True, 1)


@pytest.mark.usefixtures("folder")
def test_the_policy_turns_a_rule_off() -> None:
    """The same input, and nothing is found."""
    Path("policy.yml").write_text("rules: {annotation-not-json: off}\n")
    result = call("check", "app.yaml", "--policy", "policy.yml")
    assert (result.stdout, result.exit_code) == (
        "nothing found; 1 workload and 0 DestinationRules looked at\n",
        0,
    )


@pytest.mark.usefixtures("folder")
def test_a_bad_policy_is_refused_before_anything_is_judged() -> None:
    """With file, line, key and what was probably meant."""
    Path("policy.yml").write_text("rules: {anotation-not-json: off}\n")
    results = [call("check", "app.yaml", "--policy", name) for name in ("policy.yml", "gone.yml")]
    assert [(result.stdout, result.stderr, result.exit_code) for result in results] == [
        (
            "",
            (
                "policy.yml:1: rules.anotation-not-json: no such rule; "
                'did you mean "annotation-not-json"?; `mtls-guard explain` lists them\n'
            ),
            2,
        ),
        ("", "gone.yml: cannot be read: No such file or directory\n", 2),
    ]


@pytest.mark.usefixtures("folder")
def test_the_policy_names_further_kinds_of_workloads() -> None:
    """A kind of somebody's own is judged like a Deployment."""
    game = BROKEN.replace("apps/v1", "example.com/v1").replace("kind: Deployment", "kind: GameServer")
    Path("app.yaml").write_text(game)
    Path("policy.yml").write_text(
        "workloads: [{apiVersion: example.com/v1, kind: GameServer, template: spec.template}]\n"
    )
    results = [call("check", "app.yaml"), call("check", "app.yaml", "--policy", "policy.yml")]
    assert [result.stdout.splitlines()[-1].partition(";")[0] for result in results] == ["nothing found", "1 denied"]


@pytest.mark.usefixtures("folder")
def test_a_path_of_the_policy_that_leads_nowhere_is_told() -> None:
    """Or every object of that kind would pass without a look."""
    Path("app.yaml").write_text("apiVersion: example.com/v1\nkind: Game\nmetadata: {name: a}\nspec: {template: {}}\n")
    Path("policy.yml").write_text("workloads: [{apiVersion: example.com/v1, kind: Game, template: spec.tmplate}]\n")
    assert call("check", "app.yaml", "--policy", "policy.yml").stdout.splitlines()[:4] == [
        "Game default/a, 1 warning",
        "  warn  app.yaml:1",
        '        has no pod template at "spec.tmplate", where the policy says that it is: nothing was judged',
        "        fix: correct `template` of this kind in `workloads` of the policy  [template-missing]",
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-03-01", datetime(2027, 3, 1, tzinfo=UTC)),
        ("2027-03-01T12:00:00Z", datetime(2027, 3, 1, 12, tzinfo=UTC)),
        ("2027-03-01t12:00z", datetime(2027, 3, 1, 12, tzinfo=UTC)),
        ("2027-03-01 12:00:00.5+02:00", datetime(2027, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date_or_rfc_3339(text: str, instant: datetime) -> None:
    """A date begins in UTC."""
    assert Instant().convert(text, None, None) == instant


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tomorrow", '"tomorrow" is no time; write 2027-03-01 or 2027-03-01T12:00:00Z'),
        ("20270301", '"20270301" is no time; write 2027-03-01 or 2027-03-01T12:00:00Z'),
        ("2027-W10-1", '"2027-W10-1" is no time; write 2027-03-01 or 2027-03-01T12:00:00Z'),
        ("2027-03-01T12:00", '"2027-03-01T12:00" names no time zone; write 2027-03-01T12:00Z for UTC'),
        ("2027-02-30", '"2027-02-30" is no time of the calendar: day is out of range for month'),
        (
            "0001-01-01T00:00:00+14:00",
            '"0001-01-01T00:00:00+14:00" is no time of the calendar: date value out of range',
        ),
    ],
)
def test_any_other_time_is_refused(text: str, problem: str) -> None:
    """With what to write instead."""
    with pytest.raises(click.BadParameter) as refused:
        Instant().convert(text, None, None)
    assert refused.value.message == problem


@pytest.mark.usefixtures("folder")
def test_the_json_says_the_instant_that_was_asked_for() -> None:
    """`--at` is the instant of every verdict, to the ends of the calendar."""
    told = [
        json.loads(call("check", ".", "-o", "json", "--at", at).stdout)["at"] for at in ("2027-03-01", "9999-12-31")
    ]
    assert told == ["2027-03-01T00:00:00Z", "9999-12-31T00:00:00Z"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("env", "colored"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
)
def test_a_pipe_has_no_colour_unless_forced(
    env: Mapping[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR beats FORCE_COLOR."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in call("check", ".", color=True).stdout) is colored


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("chek", "."), 'Error: No such command "chek". Did you mean "check"?'),
        (("bogus",), 'Error: No such command "bogus". There are: check, explain, inject, review, serve, doctor.'),
        (("check",), "Error: name a PATH, or the cluster with --live"),
    ],
)
def test_wrong_command_line_exits_with_2(args: tuple[str, ...], problem: str) -> None:
    """On standard error."""
    result = call(*args)
    assert (result.stderr.splitlines()[-1], result.stdout, result.exit_code) == (problem, "", 2)


def test_explain_prints_the_law_behind_a_rule() -> None:
    """Its docstring with every heading, and its examples with what is found in them."""
    result = call("explain", "file-not-mounted")
    headings = [line for line in result.stdout.splitlines() if line.startswith("#")]
    assert (headings, result.exit_code) == (
        ["# file-not-mounted", "## Why", "## Fix", "## Source", "## Examples"],
        0,
    )


def test_explain_without_a_name_lists_every_rule() -> None:
    """In the order of their ids."""
    names = [line.split()[1] for line in call("explain").stdout.splitlines()]
    assert (names == sorted(names), "annotation-not-json" in names) == (True, True)


def test_explain_of_an_unknown_rule_guesses() -> None:
    """And exits with 2."""
    result = call("explain", "anotation-not-json")
    assert (result.stderr, result.exit_code) == (
        (
            'no such rule: "anotation-not-json"; did you mean "annotation-not-json"? '
            "(`mtls-guard explain` lists all rules)\n"
        ),
        2,
    )


def test_explain_knows_what_the_webhook_says_of_itself() -> None:
    """A warning ends with such a word, too."""
    result = call("explain", "view-stale")
    assert (result.stdout.splitlines()[0], result.exit_code) == ("# view-stale", 0)


def workloads(*names: str) -> Snapshot:
    """A cluster with workloads, each `apiVersion kind namespace name`."""
    view = Snapshot(complete=True)
    for name in names:
        version, kind, namespace, called = name.split()
        view.put({"apiVersion": version, "kind": kind, "metadata": {"name": called, "namespace": namespace}})
    return view


ONES = "deployment/one -n a, deployment/one -n b"
CLUSTER = workloads("apps/v1 Deployment a one", "apps/v1 Deployment b one", "batch/v1 CronJob a two", "v1 Pod a three")


@pytest.mark.parametrize(
    ("what", "namespace", "found"),
    [
        ("deploy/one", "a", "Deployment a/one"),
        ("Deployments/one", "b", "Deployment b/one"),
        ("deployment.apps/one", "b", "Deployment b/one"),
        ("cj/two", None, "CronJob a/two"),
        ("po/three", "a", "Pod a/three"),
    ],
)
def test_a_workload_is_named_in_kubectls_ways(what: str, namespace: str | None, found: str) -> None:
    """Short names, plurals, groups, any case; without a namespace where only one is meant."""
    chosen = choose(CLUSTER, what, namespace)
    assert isinstance(chosen, Workload)
    assert str(chosen.ref) == found


@pytest.mark.parametrize(
    ("what", "namespace", "problem"),
    [
        ("deploy/one", None, f"deploy/one stands in several namespaces; say which: {ONES}"),
        ("deploy/on", "a", f"there is no deploy/on in namespace a in the input; there is: {ONES}"),
        ("pod/three", "b", "there is no pod/three in namespace b in the input; there is: pod/three -n a"),
        ("sts/zzz", None, (f"there is no sts/zzz in the input; there is: cronjob/two -n a, {ONES}, pod/three -n a")),
        (
            "ns/one",
            None,
            (
                '"ns" is no kind of workload; there are: cronjob, daemonset, deployment, job, pod, '
                "replicaset, replicationcontroller, rollout, statefulset; and of destinationrule, secret, service, "
                "serviceentry the workloads"
            ),
        ),
        ("dr/one", None, "there is no dr/one in the input; it holds none"),
    ],
)
def test_missing_workload_is_answered_with_similar_names(what: str, namespace: str | None, problem: str) -> None:
    """Each as it would be typed."""
    with pytest.raises(AmbiguousObject) as refused:
        choose(CLUSTER, what, namespace)
    assert str(refused.value) == problem


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    """As in `| head -1`: no traceback, and the verdict's exit code."""
    (folder / "app.yaml").write_text("---\n".join(BROKEN.replace("sample-app", f"app-{n}") for n in range(300)))
    process = start("check", "app.yaml")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(30)) == ("", 1)


def test_ctrl_c_ends_quietly_with_130() -> None:
    """While it waits for standard input."""
    process = start("check", "-")
    wait_until_idle(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (out, err.strip(), process.returncode) == ("", "", 130)


def test_terminal_without_unicode_gets_escapes(folder: Path) -> None:
    """An ASCII-only standard output."""
    (folder / "app.yaml").write_text(BROKEN.replace("name: sample-app\n  namespace", "name: grün\n  namespace"))
    out, err = start("check", "app.yaml", env={"PYTHONIOENCODING": "ascii"}).communicate(timeout=30)
    assert (out.splitlines()[0], err) == ("Deployment devel/gr\\xfcn has 1 fault", "")


@pytest.mark.parametrize(
    ("args", "heavy"),
    [
        (("--version",), {"yaml", "orjson", "cryptography", "flask", "rich", "kubernetes", "webhook.engine"}),
        (("check", str(WORKED)), {"cryptography", "flask", "rich", "kubernetes", "gunicorn", "jsonpatch"}),
        (("explain",), {"yaml", "cryptography", "flask", "rich", "kubernetes"}),
    ],
)
def test_a_command_imports_nothing_that_it_does_not_need(args: tuple[str, ...], heavy: set[str]) -> None:
    """Which is what a cold start costs."""
    process = start(*args, env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in process.communicate(timeout=30)[1].splitlines()}
    assert imported & heavy == set()


@pytest.mark.parametrize(
    ("version", "kind", "meant"),
    [
        ("apps/v1", "Deploymnet", "Deployment"),
        ("apps/v1", "deployment", "Deployment"),
        ("networking.istio.io/v1", "DestinationRules", "DestinationRule"),
        ("v1", "ServiceAccount", ""),
        ("networking.istio.io/v1", "Gateway", ""),
        ("apps/v1", "ControllerRevision", ""),
        ("acme.example/v1", "Deploymnet", ""),
    ],
)
def test_misspelt_kind_is_reported_but_no_foreign_kind(version: str, kind: str, meant: str) -> None:
    """Without it the object would be passed over, and everything look well."""
    found = call("check", "-", given=f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\n")
    told = f'no API server knows kind "{kind}" of {version}; write "{meant}"'
    assert (told in found.stderr, found.exit_code) == ((True, 2) if meant else (False, 0))
