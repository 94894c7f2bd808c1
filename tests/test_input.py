"""What a command is given and cannot take as it stands: nothing is passed over without a word.

Objects without a namespace, as rendered charts and bases of kustomize have them; files that nobody may read.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from webhook.cli import group

HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{namespace}}}\n"
TEMPLATE = """\
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/userVolume: '[{volume}]'
        sidecar.istio.io/userVolumeMount: '[{{"name":"client","mountPath":"/etc/mtlsfiles"}}]'
"""
VOLUME = '{"name":"client","secret":{"secretName":"partner"}}'
SPEC = TEMPLATE.format(volume=VOLUME)
BROKEN_SPEC = TEMPLATE.format(volume=VOLUME + ",")
TOLD = (
    ", too, and where no namespace is named nobody can tell whether that is one object or two; "
    "only this one was judged: check each folder by itself, or render it first "
    "(kustomize build FOLDER | mtls-guard check -)\n"
)
OTHER = (
    "with other content; only this one was judged: leave one of them out, check each file by itself, or render what "
    "belongs together first (kustomize build FOLDER | mtls-guard check -)"
)


def app(namespace: str = "", spec: str = SPEC) -> str:
    """A Deployment, of no namespace unless one is given."""
    return HEAD.format(namespace=f", namespace: {namespace}" if namespace else "") + spec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    """Each file in a folder of its own, `a__app` as a/app.yaml."""
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def check(*args: str) -> Result:
    """What `mtls-guard check` says."""
    return CliRunner().invoke(group, ["check", *args])


@pytest.mark.parametrize(("first", "second"), [("", ""), ("", "default"), ("default", "")])
def test_possibly_different_objects_are_never_merged(folder: Path, first: str, second: str) -> None:
    """The first is broken; a base and the patch of an overlay look the same."""
    write(folder, a__app=app(first, BROKEN_SPEC), b__app=app(second))
    result = check(".")
    named = f"Deployment {second}{'/' if second else ''}web"
    assert (result.stderr, result.exit_code) == (f"b/app.yaml:1: {named} stands in a/app.yaml:1{TOLD}", 2)


def test_one_with_a_namespace_and_one_without_are_two_objects(folder: Path) -> None:
    """Each is judged, and told where it stands."""
    write(folder, a__app=app("devel", BROKEN_SPEC), b__app=app("", BROKEN_SPEC))
    result = check(".", "-o", "github")
    places = [line.partition(",title")[0] for line in result.stdout.splitlines() if line.startswith("::error")]
    assert (places, result.stderr, result.exit_code) == (
        ["::error file=a/app.yaml,line=8", "::error file=b/app.yaml,line=8"],
        "",
        1,
    )


@pytest.mark.parametrize("names", [("app", "later"), ("later", "app")])
def test_a_good_copy_never_hides_a_broken_one_of_the_same_folder(folder: Path, names: tuple[str, str]) -> None:
    """`kubectl apply -f` of the folder submits both, and the broken one is refused."""
    write(folder, **{f"a__{names[0]}": app("", BROKEN_SPEC), f"a__{names[1]}": app()})
    result = check(".")
    told = f"a/later.yaml:1: Deployment web is in a/app.yaml:1, too, {OTHER}\n"
    assert (result.stderr, result.exit_code) == (told, 2)
    assert ("Deployment default/web has 1 fault" in result.stdout) is (names[0] == "later")


def test_good_copy_does_not_hide_broken_copy(folder: Path) -> None:
    """Two environments, or a release that was rendered twice."""
    write(folder, dev__app=app("devel", BROKEN_SPEC), prod__app=app("devel"))
    result = check(".")
    told = f"prod/app.yaml:1: Deployment devel/web is in dev/app.yaml:1, too, {OTHER}\n"
    assert (result.stderr, result.exit_code) == (told, 2)


def test_a_good_copy_never_hides_a_broken_one_of_the_same_stream(folder: Path) -> None:
    write(folder, a__app=f"{app('devel', BROKEN_SPEC)}---\n{app('devel')}")
    result = check("a/app.yaml")
    told = f"a/app.yaml:11: Deployment devel/web is in a/app.yaml:1, too, {OTHER}\n"
    assert (result.stderr, result.exit_code) == (told, 2)


@pytest.mark.parametrize(
    ("kind", "version", "field"),
    [
        ("Secret", "v1", "data: {cert: %s}"),
        ("Service", "v1", "spec: {ports: [{port: %s}]}"),
        ("DestinationRule", "networking.istio.io/v1", "spec: {host: a%s}"),
        ("Certificate", "cert-manager.io/v1", "spec: {secretName: a%s}"),
    ],
)
def test_contradicting_cluster_objects_are_bad_input(folder: Path, kind: str, version: str, field: str) -> None:
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a, namespace: devel}}\n"
    write(folder, a=text + field % 1, b=text + field % 2)
    result = check(".")
    assert (result.stderr, result.exit_code) == (f"b.yaml:1: {kind} devel/a is in a.yaml:1, too, {OTHER}\n", 2)


def test_the_same_object_with_the_same_content_is_a_note(folder: Path) -> None:
    """In whatever order its keys are."""
    again = app("devel").replace("apiVersion: apps/v1\nkind: Deployment\n", "kind: Deployment\napiVersion: apps/v1\n")
    write(folder, a__app=app("devel"), b__app=again)
    told = "note: Deployment devel/web stands in a/app.yaml:1 and in b/app.yaml:1; the later one counts\n"
    assert (check(".").stderr, check(".").exit_code) == (told, 0)


def test_namespace_option_applies_to_objects_without_one(folder: Path) -> None:
    """As in kubectl; then two of one name are one object."""
    write(folder, a__app=app(), b__app=app("devel", BROKEN_SPEC))
    result = check("-n", "devel", ".")
    told = f"b/app.yaml:1: Deployment devel/web is in a/app.yaml:1, too, {OTHER}\n"
    assert (result.stderr, result.stdout.splitlines()[0]) == (told, "Deployment devel/web has 1 fault")


def test_what_names_no_namespace_belongs_together(folder: Path) -> None:
    """As helm renders it: the Secret is that of the workload, and so is one that something will make."""
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: partner}\n"
    made = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a}\nspec: {secretName: partner}\n"
    told = []
    for text in (secret, made, ""):
        write(folder, a__app=app(), a__secret=text)
        told.append("secret-not-in-input" in check(".").stdout)
    assert told == [False, False, True]


def test_a_namespace_brings_a_secret_to_its_workload(folder: Path) -> None:
    """Without it the text says what to write into which file."""
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: partner}\n"
    write(folder, a__app=app("devel"), a__secret=secret)
    lines = [check(*args, ".").stdout.count("secret-not-in-input") for args in ((), ("-n", "devel"))]
    assert lines == [2, 0]


def test_explain_searches_the_named_namespace(folder: Path) -> None:
    """So that what `check -n` says can be looked at."""
    write(folder, a__app=app())
    shown = CliRunner().invoke(group, ["explain", "deploy/web", "-n", "devel"]).stdout
    assert shown.splitlines()[0].startswith("Deployment devel/web")


def test_a_namespace_that_stands_in_two_folders_is_one(folder: Path) -> None:
    """What has no namespace by nature is in nobody's way."""
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: devel}\n"
    write(folder, a__ns=text, b__ns=text)
    told = "note: Namespace devel stands in a/ns.yaml:1 and in b/ns.yaml:1; the later one counts\n"
    assert (check(".").stderr, check(".").exit_code) == (told, 0)


WITHOUT_ROOTS_RIGHTS = "-dac_override,-dac_read_search"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("check", "app.yaml"), "app.yaml: cannot be read: Permission denied"),
        (("check", "locked"), "locked: cannot be listed: Permission denied"),
        (("check", "policy.yaml", "--policy", "app.yaml"), "app.yaml: cannot be read: Permission denied"),
        (("explain", "deploy/web", "--cluster", "app.yaml"), "app.yaml: cannot be read: Permission denied"),
        (("inject", "app.yaml"), "app.yaml: cannot be read: Permission denied"),
        (("review", "app.yaml", "--cluster", "."), "mtls-guard review: app.yaml: cannot be read: Permission denied"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_file_that_may_not_be_read_is_named_and_exits_with_2(folder: Path, args: tuple[str, ...], told: str) -> None:
    """Seen without the rights of root, who may read everything."""
    (folder / "app.yaml").write_text(app())
    (folder / "policy.yaml").write_text("rules: {}\n")
    (folder / "locked").mkdir()
    for name in ("app.yaml", "locked"):
        (folder / name).chmod(0)
    command = [sys.executable, "-c", "from webhook.main import run; run()", *args]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv") or pytest.skip("needs setpriv (util-linux), or somebody who is not root")
        command = [setpriv, "--bounding-set", WITHOUT_ROOTS_RIGHTS, "--inh-caps", WITHOUT_ROOTS_RIGHTS, *command]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    (folder / "locked").chmod(0o700)
    assert (answer.stderr.splitlines()[0], answer.returncode) == (told, 2)


@pytest.mark.parametrize(
    "text", ['[{"apiVersion": "apps/v1", "kind": "Deployment"}]', "- apiVersion: apps/v1\n  kind: Deployment\n"]
)
def test_a_bare_list_of_objects_is_told(folder: Path, text: str) -> None:
    """To kubectl it is an error; passed over, everything would look well."""
    (folder / "app.yaml").write_text(text)
    told = (
        "app.yaml:1: is a bare list of objects, which kubectl refuses; write each as a document of its own, or all as "
    )
    assert (check("app.yaml").stderr, check("app.yaml").exit_code) == (
        f"{told}one object: apiVersion: v1, kind: List, items: [...]\n",
        2,
    )


def test_another_list_is_no_list_of_objects(folder: Path) -> None:
    """Patches of kustomize, values of charts."""
    (folder / "patch.yaml").write_text("- op: add\n  path: /spec\n  value: {kind: Deployment}\n- kind: Deployment\n")
    (folder / "app.yaml").write_text(app("devel"))
    assert (check(".").stderr, check(".").exit_code) == ("", 0)
