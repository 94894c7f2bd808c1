"""Each format says the same faults, once, at their places, and no foreign text breaks out of its quotes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.rule import Rule
from webhook.model.source_location import SourceLocation, Unreadable
from webhook.report import FORMATS, render
from webhook.report.check_result import CheckResult

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
APP = ObjectRef("apps/v1", "Deployment", "devel", "sample-app")
OTHER = ObjectRef("apps/v1", "Deployment", "devel", "other")
FINE = ObjectRef("v1", "Pod", "devel", "fine")
RULE = ObjectRef("networking.istio.io/v1", "DestinationRule", "project", "external")
SECRET = ObjectRef("v1", "Secret", "devel", "client")
MOUNT = Finding(
    "file-not-mounted",
    Severity.DENY,
    APP,
    'spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath',
    '"/etc/mtls" holds no file that DestinationRule project/external reads',
    'mount the Secret at "/etc/mtlsfiles"',
)
EXPIRING = Finding("certificate-expiring", Severity.WARN, SECRET, 'key "cert"', "expires in 3 days", "replace it: 100%")
SHADOWED = Finding("destinationrule-shadowed", Severity.DENY, RULE, "spec.host", "is shadowed, always: by another", "")
LAWS = {
    "file-not-mounted": Rule(
        id="file-not-mounted",
        title="Every file is mounted",
        severity=Severity.DENY,
        about="workload",
        reads=frozenset(),
        docs="Every file is mounted.\n\n## Why\n\nx",
        check=lambda _: (),
    )
}


def locate(ref: ObjectRef, path: str) -> SourceLocation | None:
    """The Secret is in no file; the rest stands in files of odd names."""
    lines = {(APP, ""): 1, (APP, MOUNT.path): 17}
    return {
        APP: SourceLocation("deploy/a, b.yaml", lines.get((ref, path), 2)),
        OTHER: SourceLocation("-", 5),
        RULE: SourceLocation("istio.yaml", 20),
    }.get(ref)


OUTCOME = CheckResult(
    AT,
    (
        Verdict(FINE),
        Verdict(APP, (MOUNT, SHADOWED, EXPIRING), "external.system.com:443"),
        Verdict(OTHER, (EXPIRING,), "external.system.com:443", ("judged without mesh config",)),
        Verdict(RULE, (SHADOWED,), "external.system.com"),
    ),
    (Unreadable("bad.yaml", 3, "not YAML: x"), Unreadable("gone", 0, "cannot be read: No such file or directory")),
    locate,
    LAWS,
)


def text(outcome: CheckResult, form: str) -> str:
    """The whole text in a format."""
    return "\n".join(render(outcome, form)) + "\n"


def test_text_groups_by_object_worst_first() -> None:
    """As it stands in a build log."""
    assert text(OUTCOME, "text") == (
        """\
Deployment devel/sample-app cannot reach external.system.com:443 over mTLS, 2 faults
  deny  deploy/a, b.yaml:17  spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath
        "/etc/mtls" holds no file that DestinationRule project/external reads
        fix: mount the Secret at "/etc/mtlsfiles"  [file-not-mounted]
  deny  istio.yaml:20  DestinationRule project/external spec.host
        is shadowed, always: by another
        [destinationrule-shadowed]
  warn  Secret devel/client key "cert"
        expires in 3 days
        fix: replace it: 100%  [certificate-expiring]

DestinationRule project/external breaks mTLS to external.system.com, 1 fault
  deny  DestinationRule project/external spec.host: as above  [destinationrule-shadowed]

Deployment devel/other to external.system.com:443, 1 warning
  warn  Secret devel/client key "cert": as above  [certificate-expiring]
  note  judged without mesh config

2 denied, 1 with warnings, 2 not judged; 3 workloads and 1 DestinationRule looked at; """
        """explain: mtls-guard explain file-not-mounted
"""
    )


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        ((), "nothing found; 0 workloads and 0 DestinationRules looked at\n"),
        ((Verdict(FINE),), "nothing found; 1 workload and 0 DestinationRules looked at\n"),
    ],
)
def test_text_of_a_run_without_findings_is_one_line(verdicts: tuple[Verdict, ...], line: str) -> None:
    """It says how much was looked at, since silence over an empty folder would be a lie."""
    assert text(CheckResult(AT, verdicts), "text") == line


def test_text_fits_the_terminal_and_keeps_commands_whole() -> None:
    """Broken at spaces; a word or a command that is longer stands unbroken."""
    command = "kubectl -n devel create secret generic client --from-file=cert=FILE"
    found = replace(MOUNT, fix=f"create it in the namespace of the workload: {command}")
    wide = CheckResult(AT, (Verdict(APP, (found,)),), locate=locate, color=True, width=60)
    assert click.unstyle(text(wide, "text")).splitlines()[2:6] == [
        '        "/etc/mtls" holds no file that DestinationRule',
        "        project/external reads",
        "        fix: create it in the namespace of the workload:",
        "        [file-not-mounted]",
    ]
    assert f"\n          {command}\n" in text(wide, "text")


def test_text_has_colours_only_when_asked_for() -> None:
    """Red for what denies, yellow for what warns; the words stay the same."""
    colored = CheckResult(AT, OUTCOME.verdicts, OUTCOME.unreadable, locate, LAWS, color=True)
    plain = text(colored, "text")
    for code in ("0", "1", "2", "31", "32", "33"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert ("\x1b" in text(OUTCOME, "text"), "\x1b[31m\x1b[1mdeny\x1b[0m" in text(colored, "text"), plain) == (
        False,
        True,
        text(OUTCOME, "text"),
    )


def test_json_is_the_contract() -> None:
    """Key by key as the design has it; `source` only where the object is in the input."""
    app = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "devel", "name": "sample-app"}
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "namespace": "project",
        "name": "external",
    }
    mount = {
        "rule": "file-not-mounted",
        "severity": "deny",
        "object": app,
        "path": MOUNT.path,
        "problem": MOUNT.problem,
        "fix": MOUNT.fix,
        "source": {"file": "deploy/a, b.yaml", "line": 17},
    }
    shadowed = {
        "rule": "destinationrule-shadowed",
        "severity": "deny",
        "object": rule,
        "path": "spec.host",
        "problem": SHADOWED.problem,
        "fix": "",
        "source": {"file": "istio.yaml", "line": 20},
    }
    expiring = {
        "rule": "certificate-expiring",
        "severity": "warn",
        "object": {"apiVersion": "v1", "kind": "Secret", "namespace": "devel", "name": "client"},
        "path": 'key "cert"',
        "problem": "expires in 3 days",
        "fix": "replace it: 100%",
    }
    assert json.loads(text(OUTCOME, "json")) == {
        "version": 1,
        "at": "2026-11-23T12:00:00Z",
        "verdicts": [
            {
                "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "devel", "name": "fine"},
                "verdict": "allow",
                "findings": [],
            },
            {"object": app, "verdict": "deny", "findings": [mount, shadowed, expiring]},
            {"object": app | {"name": "other"}, "verdict": "warn", "findings": [expiring]},
            {"object": rule, "verdict": "deny", "findings": [shadowed]},
        ],
        "unreadable": [
            {"file": "bad.yaml", "line": 3, "problem": "not YAML: x"},
            {"file": "gone", "line": 0, "problem": "cannot be read: No such file or directory"},
        ],
    }


def test_github_annotations_escape_what_ends_them() -> None:
    """Percent, colon and comma in properties, percent in messages; each fault once."""
    assert text(OUTCOME, "github").splitlines() == [
        (
            "::error file=deploy/a%2C b.yaml,line=17,title=mtls-guard file-not-mounted::Deployment devel/sample-app "
            'spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath: "/etc/mtls" holds no '
            'file that DestinationRule project/external reads; mount the Secret at "/etc/mtlsfiles"'
        ),
        (
            "::error file=istio.yaml,line=20,title=mtls-guard destinationrule-shadowed::"
            "DestinationRule project/external spec.host: is shadowed, always: by another"
        ),
        (
            "::warning file=deploy/a%2C b.yaml,line=1,title=mtls-guard certificate-expiring::Secret devel/client "
            'key "cert": expires in 3 days; replace it: 100%25'
        ),
        "::error file=bad.yaml,line=3,title=mtls-guard could not judge this::not YAML: x",
        "::error file=gone,title=mtls-guard could not judge this::cannot be read: No such file or directory",
    ]


def test_junit_has_a_case_for_each_object() -> None:
    """Denied ones fail, warnings are output, what could not be read is an error."""
    (suite,) = ET.fromstring(text(OUTCOME, "junit"))
    assert (suite.tag, suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("testsuite", "6", "2", "2")
    assert [(case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("Pod devel/fine", []),
        ("Deployment devel/sample-app", ["failure", "system-out"]),
        ("Deployment devel/other", ["system-out"]),
        ("DestinationRule project/external", ["failure"]),
        ("bad.yaml:3: not YAML: x", ["error"]),
        ("gone: cannot be read: No such file or directory", ["error"]),
    ]
    assert {name for case in suite for name in case.keys()} == {"name", "classname", "time"}  # noqa: SIM118
    failure = suite[1][0]
    assert (failure.get("message"), failure.get("type"), (failure.text or "").strip().splitlines()) == (
        "Deployment devel/sample-app cannot reach external.system.com:443 over mTLS, 2 faults",
        "file-not-mounted",
        [
            (
                f"deploy/a, b.yaml:17: {MOUNT.path}: "
                '"/etc/mtls" holds no file that DestinationRule project/external reads; '
                'mount the Secret at "/etc/mtlsfiles"  [file-not-mounted]'
            ),
            (
                "istio.yaml:20: DestinationRule project/external spec.host: "
                "is shadowed, always: by another  [destinationrule-shadowed]"
            ),
        ],
    )


def sarif(outcome: CheckResult) -> Mapping[str, Any]:
    """The one run of a SARIF log."""
    log = json.loads(text(outcome, "sarif"))
    assert (log["version"], log["$schema"], len(log["runs"])) == (
        "2.1.0",
        "https://json.schemastore.org/sarif-2.1.0.json",
        1,
    )
    run: Mapping[str, Any] = log["runs"][0]
    return run


def test_sarif_points_each_fault_at_its_rule_and_its_place() -> None:
    """URIs are escaped and relative, indexes fit; a Secret in no file stands where it is needed."""
    run = sarif(OUTCOME)
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert [rules[one["ruleIndex"]]["id"] for one in results] == [one["ruleId"] for one in results]
    assert [(one["ruleId"], one["level"]) for one in results] == [
        ("file-not-mounted", "error"),
        ("destinationrule-shadowed", "error"),
        ("certificate-expiring", "warning"),
    ]
    assert [one["locations"][0].get("physicalLocation") for one in results] == [
        {"artifactLocation": {"uri": "deploy/a%2C%20b.yaml"}, "region": {"startLine": 17}},
        {"artifactLocation": {"uri": "istio.yaml"}, "region": {"startLine": 20}},
        {"artifactLocation": {"uri": "deploy/a%2C%20b.yaml"}, "region": {"startLine": 1}},
    ]
    assert results[2]["locations"][0]["logicalLocations"] == [
        {"fullyQualifiedName": 'Secret devel/client key "cert"', "kind": "object"}
    ]
    assert rules[2] == {
        "id": "file-not-mounted",
        "shortDescription": {"text": "Every file is mounted"},
        "help": {"text": LAWS["file-not-mounted"].docs, "markdown": LAWS["file-not-mounted"].docs},
        "defaultConfiguration": {"enabled": True, "level": "error"},
    }


def test_sarif_says_what_could_not_be_judged() -> None:
    """The run counts as not successful, so that no viewer takes it for clean."""
    invocation = sarif(OUTCOME)["invocations"][0]
    assert (
        invocation["executionSuccessful"],
        [one["message"]["text"] for one in invocation["toolExecutionNotifications"]],
    ) == (False, ["not YAML: x", "cannot be read: No such file or directory"])


def test_sarif_fits_what_the_specification_demands() -> None:
    """Required and allowed keys of every object that we write, by sections 3.14 to 3.52 of the specification."""
    run = sarif(OUTCOME)
    known = {
        "run": (run, {"tool"}, {"results", "invocations", "columnKind"}),
        "driver": (run["tool"]["driver"], {"name"}, {"version", "semanticVersion", "rules"}),
        "invocation": (run["invocations"][0], {"executionSuccessful"}, {"toolExecutionNotifications"}),
        "result": (
            run["results"][0],
            {"message"},
            {"ruleId", "ruleIndex", "level", "locations", "partialFingerprints"},
        ),
        "location": (run["results"][0]["locations"][0], set(), {"physicalLocation", "logicalLocations"}),
    }
    assert {name: required <= set(one) <= required | more for name, (one, required, more) in known.items()} == (
        dict.fromkeys(known, True)
    )


@given(st.text(), st.text(), st.sampled_from(FORMATS))
def test_no_text_breaks_a_format(problem: str, name: str, form: str) -> None:
    """Whatever stands in somebody's annotation: lines stay lines, JSON and XML stay what they are."""
    subject = ObjectRef("v1", "Pod", name, name)
    finding = Finding("file-not-mounted", Severity.DENY, subject, problem, problem, problem)
    odd = CheckResult(AT, (Verdict(subject, (finding,), name, (problem,)),), (Unreadable(name, 1, problem),))
    written = text(odd, form)
    assert all(line.isprintable() for line in written.split("\n"))
    if form in ("json", "sarif"):
        assert json.loads(written)
    if form == "junit":
        assert len(ET.fromstring(written)[0]) == 2
    if form == "github":
        assert [line[:8] for line in written.split("\n")] == ["::error ", "::error ", ""]
