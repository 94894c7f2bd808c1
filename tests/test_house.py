"""The house rules that no linter knows: sizes, names, docstrings, no clock in the core, nothing of anyone's machine."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
CODE_FOLDERS = ("benchmarks", "certs", "charts", "examples", "prove", "rig", "tests", "tools", "webhook")
RULES = TOP / "webhook" / "rules"
MODULES = sorted(path for folder in CODE_FOLDERS for path in (TOP / folder).rglob("*.py"))
PRODUCT = [path for path in MODULES if path.is_relative_to(TOP / "webhook")]

MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 25
MAX_RULE_LINES = 120
CLOCK_READERS = {"now", "today", "utcnow"}
WORDS_THAT_SAY_NOTHING = {"common", "data", "helper", "helpers", "manager", "process", "util", "utils"}

# A folder of somebody's machine, where it is the start of a path and not the middle of one.
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:home|opt|root|Users|work)/\w[^\s\"'`)]*")
# Where packages come from is the business of the machine that installs them.
REGISTRY = re.compile(
    r"--(?:extra-)?index-url|--find[-]links|(?:https?://|@)[\w.-]*(?:artifactory|devpi|nexus|pythonhosted)"
)


def name(path: Path) -> str:
    """How a failure shows a file: from the top of the checkout."""
    return path.relative_to(TOP).as_posix()


def count_lines(path: Path) -> int:
    """How long a file is."""
    return len(path.read_text(encoding="utf-8").splitlines())


def parse(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a module, methods and inner ones too: where it starts, and its length in lines.

    What it is called with and its docstring do not count: a command has a line for each option.
    """
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            yield f"{name(path)}:{node.lineno} {node.name}", length


def tracked_files() -> list[Path]:
    """The files that git tracks or would track; without git, those outside hidden folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        everything = (
            path for path in TOP.rglob("*") if not any(part[0] == "." for part in path.relative_to(TOP).parts)
        )
        return sorted(path for path in everything if path.is_file())
    return sorted(path for entry in listed.split("\0") if entry and (path := TOP / entry).is_file())


def public_rules() -> list[Path]:
    """The rule modules; those that start with `_` are what rules share."""
    return sorted(path for path in RULES.glob("*/*.py") if not path.name.startswith("_"))


def core() -> list[Path]:
    """The modules of the product that the import contract "pure" does not name as adapters."""
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    pure = next(contract for contract in contracts if contract["id"] == "pure")
    adapters = {line.split(" -> ")[0].split(".")[1] for line in pure["ignore_imports"]}
    return [path for path in PRODUCT if path.relative_to(TOP).parts[1].removesuffix(".py") not in adapters]


def imports(path: Path) -> frozenset[str]:
    """The modules of the product that a module imports, also those that it imports for annotations only."""
    imported: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= (submodules & PRODUCT_MODULES.keys()) or {node.module}
    return frozenset(imported & PRODUCT_MODULES.keys()) - {dotted(path)}


def dotted(path: Path) -> str:
    """The name by which Python imports a module."""
    return ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")


PRODUCT_MODULES = {dotted(path): path for path in PRODUCT}


def test_every_module_says_its_duty() -> None:
    assert [name(path) for path in MODULES if not ast.get_docstring(parse(path))] == []


def test_no_file_of_the_product_is_too_long_to_read() -> None:
    assert [f"{name(path)}: {size}" for path in PRODUCT if (size := count_lines(path)) > MAX_FILE_LINES] == []


def test_no_function_of_the_product_is_too_long_to_read() -> None:
    found = [f"{where}: {size}" for path in PRODUCT for where, size in functions(path) if size > MAX_FUNCTION_LINES]
    assert found == []


def test_the_core_is_told_what_time_it_is() -> None:
    found = []
    for path in core():
        calls = (node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call))
        asked = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCK_READERS]
        found += [f"{name(path)}:{call.lineno} {call.attr}()" for call in asked]
    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    said = {path: {path.stem, *path.relative_to(TOP).parent.parts} for path in MODULES}
    assert [name(path) for path, words in said.items() if words & WORDS_THAT_SAY_NOTHING] == []


def test_no_tracked_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for pattern in (MACHINE_PATH, REGISTRY):
            found += [f"{name(path)}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def test_every_rule_has_its_examples_beside_it() -> None:
    assert [name(path) for path in public_rules() if not path.with_suffix(".yaml").is_file()] == []


def test_every_rule_is_short() -> None:
    assert [f"{name(path)}: {size}" for path in public_rules() if (size := count_lines(path)) > MAX_RULE_LINES] == []


def test_no_module_of_the_product_imports_itself_by_way_of_others() -> None:
    order = TopologicalSorter({module: imports(path) for module, path in PRODUCT_MODULES.items()})
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))
