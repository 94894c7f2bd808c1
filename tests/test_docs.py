"""The documents: generated ones are fresh, links lead somewhere, every command and setting has its heading."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.docs.__main__ import pages, stale
from webhook.admission.response import NOT_JUDGED
from webhook.cli import COMMANDS, group
from webhook.engine.objects import TEMPLATE_MISSING
from webhook.engine.partial_verdict import TOO_MANY_ENTRIES
from webhook.engine.runner import INTERNAL_ERROR
from webhook.informer.live_engine import STALE, UNREAD
from webhook.metrics import Metrics
from webhook.policy import BadPolicy, load_policy
from webhook.policy.policy import Expiry
from webhook.policy.policy_file import _FORMS
from webhook.report.internal_warnings import ABOUT_ITSELF
from webhook.rules import catalogue
from webhook.settings.table import SETTINGS

TOP = Path(__file__).parent.parent
WRITTEN = sorted(
    path
    for path in (*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md"), *(TOP / "examples").glob("*.md"))
    if ".venv" not in path.parts
)
METRICS = (TOP / "docs" / "metrics.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[[^\]]+\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")


def test_generated_documents_are_fresh() -> None:
    assert [str(path) for path in stale(pages())] == []


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(TOP)))
def test_every_link_leads_to_a_file(path: Path) -> None:
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_command_has_its_heading() -> None:
    text = (TOP / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"## mtls-guard {name}\n" not in text] == []


def test_every_setting_has_its_heading() -> None:
    text = (TOP / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [one.flag for one in SETTINGS if f"## --{one.flag}\n" not in text] == []


def test_every_rule_has_its_page_and_its_line_in_the_list() -> None:
    rules = TOP / "docs" / "rules"
    listed = (rules / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in rules.glob("*.md")} == {"README", *catalogue(), *ABOUT_ITSELF}
    assert [name for name in (*catalogue(), *ABOUT_ITSELF) if f"[{name}]({name}.md) |" not in listed] == []


def test_every_word_in_brackets_of_a_warning_is_explained() -> None:
    """Those that no rule stamps on a finding: the engine's, the admission's and the live view's."""
    assert {INTERNAL_ERROR, NOT_JUDGED, STALE, TEMPLATE_MISSING, TOO_MANY_ENTRIES, UNREAD} == set(ABOUT_ITSELF)


def test_every_metric_has_its_heading() -> None:
    families = Metrics().registry.collect()
    told = [f"{family.name}_total" if family.type == "counter" else family.name for family in families]
    assert len(told) > 5
    assert [name for name in told if f"## {name}\n" not in METRICS] == []


def test_every_alert_of_the_chart_asks_for_a_metric_that_exists() -> None:
    alerts = (TOP / "charts" / "mtls-guard" / "templates" / "_alerts.tpl").read_text(encoding="utf-8")
    asked = {name.removesuffix("_bucket") for name in re.findall(r"mtls_guard_\w+", alerts)}
    assert asked
    assert [name for name in sorted(asked) if f"## {name}\n" not in METRICS] == []


def test_glossary_is_sorted_and_used_in_the_code() -> None:
    text = (TOP / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \|", text.partition("|---|---|\n")[2], re.MULTILINE)
    code = " ".join(path.read_text(encoding="utf-8").lower() for path in (TOP / "webhook").rglob("*.py"))
    spoken = re.sub(r"[\s_]+", " ", code)
    assert rows == sorted(rows, key=str.lower)
    words = [word for row in rows for word in row.split(", ")]
    assert [word for word in words if word not in spoken and word.replace(" ", "") not in spoken] == []


def test_the_policy_of_the_documents_is_one_that_is_understood() -> None:
    text = (TOP / "docs" / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)
    policy = load_policy(example, "docs/policy.md", tuple(catalogue()))
    assert (policy.expiry.warn.days, policy.expiry.deny.days, len(policy.workloads)) == (30, 7, 1)


def test_every_key_of_a_policy_has_its_row() -> None:
    text = (TOP / "docs" / "policy.md").read_text(encoding="utf-8")
    keys = ["rules.ID", *(f"expiry.{one.name}" for one in fields(Expiry)), *(f"workloads[].{key}" for key in _FORMS)]
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_what_the_policy_document_shows_is_what_is_said() -> None:
    text = (TOP / "docs" / "policy.md").read_text(encoding="utf-8")
    odd = "rules:\n  certificate-expiring: 'no'\nexpiry:\n  warn: 30\n  deny: a week\n"
    (shown,) = re.findall(r"```text\n(.+?)```", text, re.DOTALL)
    with pytest.raises(BadPolicy) as told:
        load_policy(odd, "policy.yaml", tuple(catalogue()))
    assert shown.splitlines() == list(told.value.problems)


def test_injection_document_example_gets_both_annotations(tmp_path: Path) -> None:
    text = (TOP / "docs" / "injection.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)
    (tmp_path / "app.yaml").write_text(shown, encoding="utf-8")
    done = CliRunner().invoke(group, ["inject", str(tmp_path / "app.yaml"), "--cluster", str(TOP / "examples/worked")])
    assert (done.exit_code, "userVolume: " in done.stdout, "userVolumeMount: " in done.stdout) == (0, True, True)


def test_every_decision_is_in_the_list() -> None:
    notes = sorted(path.name for path in (TOP / "docs" / "decisions").glob("0*.md"))
    text = (TOP / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [name for name in notes if f"({name})" not in text] == []


@pytest.mark.parametrize("name", ["docs/architecture", "docs/glossary"])
def test_every_path_in_backticks_exists(name: str) -> None:
    """Every word with a slash inside is a path, except names of annotations."""
    text = (TOP / f"{name}.md").read_text(encoding="utf-8")
    paths = [path for path in re.findall(r"`([\w.-]+/[\w./-]*)`", text) if "istio.io" not in path]
    assert [path for path in paths if not (TOP / path).exists()] == []
