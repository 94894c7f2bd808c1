"""Text of other people is read within limits and in one place: YAML and JSON in files, objects, reviews, policies."""

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.worked import deployment
from webhook.cli import group
from webhook.decoding.errors import InvalidDocument, LimitExceeded
from webhook.decoding.json_text import load_json, too_deep
from webhook.decoding.limits import ANNOTATION, CONFIG_MAP, POLICY, TextLimits
from webhook.decoding.yaml_nodes import compose
from webhook.decoding.yaml_text import load_yaml

PACKAGE = Path(__file__).resolve().parent.parent / "webhook"
EMBEDDED = (ANNOTATION, CONFIG_MAP, POLICY)
YAML_OF_OTHERS = {"decoding/yaml_events.py", "decoding/yaml_nodes.py", "manifests/rewrite.py"}
"""What parses: the events that every value is built from, the nodes of a policy (within limits), and the writer."""
JSON_OF_OTHERS = {
    "decoding/json_text.py",
    "manifests/parse.py",
    "istio/injector/annotation_json.py",
    "admission/request.py",
}


def names_of(folder: str) -> set[str]:
    """The modules below a folder of the package."""
    return {path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / folder).rglob("*.py")}


def imports(path: Path) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def calls(path: Path, module: str, *functions: str) -> bool:
    """Whether a module calls `module.function`, or imports the function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == module and node.attr in functions:
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == module and functions:
            return bool({alias.name for alias in node.names} & set(functions))
    return False


def modules() -> dict[str, Path]:
    """Every module of the package by its path."""
    return {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}


def test_yaml_is_parsed_in_one_place() -> None:
    parsing = {name for name, path in modules().items() if imports(path) & {"yaml", "ruamel", "ruyaml", "strictyaml"}}
    assert parsing == YAML_OF_OTHERS


def test_json_of_tenants_is_parsed_where_its_depth_is_limited() -> None:
    """Answers of the API server, and an AdmissionReview on the command line, are read whole first."""
    found = {
        name
        for name, path in modules().items()
        if calls(path, "json", "loads", "load", "JSONDecoder") or calls(path, "orjson", "loads")
    }
    of_api_server = {name for folder in ("kubeapi", "informer", "leader", "doctor") for name in names_of(folder)}
    assert found - of_api_server - {"manifests/rewrite.py"} == JSON_OF_OTHERS


@pytest.mark.parametrize("limits", EMBEDDED)
def test_yaml_may_be_as_deep_as_the_limit_and_no_deeper(limits: TextLimits) -> None:
    assert too_deep(load_yaml("[" * limits.depth + "]" * limits.depth, limits), limits.depth - 1)
    with pytest.raises(LimitExceeded, match=f"nested deeper than {limits.depth} levels"):
        load_yaml("[" * (limits.depth + 1) + "]" * (limits.depth + 1), limits)


@pytest.mark.parametrize("limits", EMBEDDED)
def test_aliases_may_repeat_as_many_values_as_the_limit(limits: TextLimits) -> None:
    """Each alias repeats ten values and their list, so that ten aliases of ten aliases are soon too many."""
    ten = f"a: &a [{', '.join('1' * 10)}]\n"
    assert load_yaml(ten + f"b: [{', '.join(['*a'] * (limits.repeated // 11))}]", limits)
    with pytest.raises(LimitExceeded, match=f"aliases repeat more than {limits.repeated} values"):
        load_yaml(ten + f"b: [{', '.join(['*a'] * (limits.repeated // 11 + 1))}]", limits)


@pytest.mark.parametrize("limits", EMBEDDED)
def test_yaml_may_hold_as_many_values_as_the_limit(limits: TextLimits) -> None:
    around = 5  # stream, document and list begin; the list ends; and the first event counts from zero
    least = limits.events - around
    assert len(load_yaml(f"[{','.join('1' * least)}]", limits)) == least
    with pytest.raises(LimitExceeded, match=f"more than {limits.events} values"):
        load_yaml(f"[{','.join('1' * (limits.events + 1))}]", limits)


@pytest.mark.parametrize("limits", EMBEDDED)
def test_yaml_may_be_as_long_as_the_limit(limits: TextLimits) -> None:
    assert load_yaml("a" * limits.characters, limits) == "a" * limits.characters
    with pytest.raises(LimitExceeded, match=f"longer than {limits.characters} characters"):
        load_yaml("a" * (limits.characters + 1), limits)


def test_a_limit_is_met_where_it_is_and_said_with_its_place() -> None:
    with pytest.raises(LimitExceeded) as met:
        load_yaml("a: 1\nb: " + "[" * 51, ANNOTATION)
    assert (met.value.line, met.value.column) == (1, 53)


def test_the_nodes_of_a_policy_are_composed_within_the_limits() -> None:
    assert compose("a: {b: off}", POLICY).value[0][1].value[0][1].value == "off"
    with pytest.raises(LimitExceeded, match="nested deeper than 10 levels"):
        compose("[" * 11 + "]" * 11, POLICY)


@pytest.mark.parametrize("text", ["\ud800", '"\udfff"', "a: \x00"])
def test_text_that_is_no_utf_8_is_broken_and_no_error_of_ours(text: str) -> None:
    with pytest.raises(InvalidDocument):
        load_yaml(text, ANNOTATION)


def test_json_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    assert load_json("[" * 200 + "]" * 200)
    for depth in (201, 1025):
        with pytest.raises(LimitExceeded, match="nested deeper than 200 levels"):
            load_json("[" * depth + "]" * depth)


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "9" * 310, "1e999", "-1e999", "1.0e400"])
@pytest.mark.parametrize("form", ["{}", "[{}]", '{{"a": {}}}'])
def test_a_number_beyond_a_float_is_broken_json(number: str, form: str) -> None:
    with pytest.raises(InvalidDocument, match="not JSON"):
        load_json(form.format(number))


def checked(folder: Path, name: str, text: str) -> tuple[int, str]:
    """Exit code and standard error of `check` on one file."""
    (folder / name).write_text(text)
    done = CliRunner().invoke(group, ["check", str(folder / name)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stderr


NUMBERS = ["1" * 5000, "-" + "1" * 5000, "0" + "7" * 5000]


@pytest.mark.parametrize("number", NUMBERS)
def test_huge_number_in_yaml_is_unreadable(tmp_path: Path, number: str) -> None:
    code, said = checked(
        tmp_path, "a.yaml", f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  x: {number}\n"
    )
    problem = f"{number[:20]}... is a number of {len(number)} digits; quote it if it is meant as text (column 6)"
    assert (code, f"{tmp_path}/a.yaml:5: {problem}" in said) == (2, True)


@pytest.mark.parametrize("number", ["1" * 5000, "1e999", "-1e999", "NaN", "Infinity"])
def test_invalid_number_in_json_is_unreadable(tmp_path: Path, number: str) -> None:
    code, said = checked(tmp_path, "a.json", f'{{"apiVersion": "v1",\n "kind": "Pod",\n "spec": {{"x": {number}}}}}\n')
    assert (code, f"{tmp_path}/a.json:3: not JSON: " in said) == (2, True)


@pytest.mark.parametrize("number", ["1" * 5000, "1e999"])
def test_the_second_of_several_json_values_may_hold_the_number(tmp_path: Path, number: str) -> None:
    good = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}'
    code, said = checked(tmp_path, "a.json", f'{good}\n\n{{"apiVersion": "v1", "kind": "Pod", "x": {number}}}\n')
    assert (code, f"{tmp_path}/a.json:3: not JSON: the number {number[:20]}..." in said) == (2, True)


@pytest.mark.parametrize("number", ["1" * 5000, "1e999", "NaN"])
def test_a_number_in_an_annotation_is_a_finding(tmp_path: Path, number: str) -> None:
    made = json.loads(json.dumps(deployment()))
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    annotations["sidecar.istio.io/userVolume"] = f'[{{"name": "a", "secret": {{"defaultMode": {number}}}}}]'
    (tmp_path / "a.json").write_text(json.dumps(made))
    done = CliRunner().invoke(group, ["check", str(tmp_path / "a.json")])
    assert (done.exit_code, "[annotation-not-json]" in done.stdout) == (1, True)


@pytest.mark.parametrize("value", ["9" * 5000, "1e999", "9" * 5000 + "-01-01", "inf"])
def test_a_number_as_a_time_is_a_wrong_command_line(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.yaml").write_text("{}")
    done = CliRunner().invoke(group, ["check", str(tmp_path), "--at", value])
    assert (done.exit_code, "is no time; write 2027-03-01" in done.stderr) == (2, True)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_a_policy_is_told_with_its_line(tmp_path: Path, number: str) -> None:
    (tmp_path / "a.yaml").write_text("{}")
    (tmp_path / "policy.yaml").write_text(f"expiry:\n  warn: {number}\n")
    done = CliRunner().invoke(group, ["check", str(tmp_path / "a.yaml"), "--policy", str(tmp_path / "policy.yaml")])
    assert (done.exit_code, f"{tmp_path}/policy.yaml:2: {number[:20]}... is a number of" in done.stderr) == (2, True)


def test_deep_proxy_config_is_reported(tmp_path: Path) -> None:
    """`check` reads the file, says so, and goes on."""
    made = json.loads(json.dumps(deployment()))
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    annotations["proxy.istio.io/config"] = "proxyMetadata: " + "[" * 50 + "]" * 50
    (tmp_path / "a.json").write_text(json.dumps(made))
    done = CliRunner().invoke(group, ["check", str(tmp_path / "a.json")])
    assert (done.exit_code, "[proxy-config-unreadable]" in done.stdout) == (0, True)
