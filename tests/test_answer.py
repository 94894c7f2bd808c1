"""What a person reads: a denial line by line, warnings that the API server leaves whole, kubectl's words."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from webhook.admission import answer
from webhook.admission.kubectl_output import screen
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.request import Request

APP = ObjectRef("apps/v1", "Deployment", "devel", "sample-app")
SECRET = ObjectRef("v1", "Secret", "devel", "external-system-mtls-data")
COMMAND = "kubectl -n devel create secret generic external-system-mtls-data --from-file=cert --from-file=key"
MOUNT = Finding(
    "file-not-mounted",
    Severity.DENY,
    APP,
    'spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath',
    '"/etc/mtls" holds no file that DestinationRule project/external-system-dest-rule reads',
    'mount the Secret at "/etc/mtlsfiles"',
)
EXPIRED = Finding(
    "certificate-expired",
    Severity.DENY,
    SECRET,
    'key "cert"',
    "certificate CN=client expired 3 days ago (2026-11-20T09:00Z)",
    f"replace it: {COMMAND}",
)
GOAL = "external.system.com:443"
LONG = "n" * 253
SHORT = f"{LONG[:28]}...{LONG[:28]}"


def message(verdict: Verdict) -> list[str]:
    """The lines of a denial."""
    return answer(verdict, "u")["response"]["status"]["message"].split("\n")


def warnings(verdict: Verdict) -> list[str]:
    """The warnings of an answer that allows."""
    response = answer(verdict, "u")["response"]
    assert response["allowed"]
    return response.get("warnings", [])


def warn(found: Finding, **changes: Any) -> Finding:
    """The finding as one that only warns."""
    return replace(found, severity=Severity.WARN, **changes)


def test_a_denial_is_the_whole_text_that_a_developer_needs() -> None:
    assert message(Verdict(APP, (MOUNT, EXPIRED), GOAL)) == [
        "Deployment devel/sample-app cannot reach external.system.com:443 over mTLS, 2 faults",
        '  spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath: "/etc/mtls"',
        "    holds no file that DestinationRule project/external-system-dest-rule reads; mount the Secret at",
        '    "/etc/mtlsfiles"                  [file-not-mounted]',
        '  Secret devel/external-system-mtls-data key "cert": certificate CN=client expired 3 days ago',
        "    (2026-11-20T09:00Z); replace it:  [certificate-expired]",
        f"    {COMMAND}",
        "explain: mtls-guard explain file-not-mounted",
    ]


def test_what_only_warns_stands_behind_what_denies() -> None:
    found = (warn(MOUNT, problem="is odd", path="spec"), replace(EXPIRED, fix="replace it"))
    assert message(Verdict(APP, found, GOAL, ("the watch is down",))) == [
        "Deployment devel/sample-app cannot reach external.system.com:443 over mTLS, 1 fault",
        '  Secret devel/external-system-mtls-data key "cert": certificate CN=client expired 3 days ago',
        "    (2026-11-20T09:00Z); replace it  [certificate-expired]",
        "and 1 warning:",
        '  spec: is odd; mount the Secret at "/etc/mtlsfiles"  [file-not-mounted]',
        "note: the watch is down",
        "explain: mtls-guard explain certificate-expired",
    ]


def test_short_findings_have_their_rule_ids_in_one_column() -> None:
    short = replace(MOUNT, path="spec.a", problem="is wrong", fix="")
    shorter = replace(short, path="b", rule="other")
    assert message(Verdict(APP, (short, shorter)))[1:3] == [
        "  spec.a: is wrong  [file-not-mounted]",
        "  b: is wrong       [other]",
    ]


def test_the_first_line_stands_alone_for_each_kind() -> None:
    rule = ObjectRef("networking.istio.io/v1", "DestinationRule", "project", "external")
    found = replace(MOUNT, object=rule)
    heads = [
        message(Verdict(ref, (found,), goal))[0] for ref, goal in ((APP, ""), (rule, "external.system.com"), (rule, ""))
    ]
    assert heads == [
        "Deployment devel/sample-app has 1 fault",
        "DestinationRule project/external breaks mTLS to external.system.com, 1 fault",
        "DestinationRule project/external has 1 fault",
    ]


def test_twelve_findings_are_shown_and_the_others_counted() -> None:
    faults = tuple(replace(MOUNT, path=f"spec.f{number}") for number in range(14))
    lines = message(Verdict(APP, (*faults, warn(MOUNT), warn(EXPIRED)), GOAL))
    assert lines[0].endswith("over mTLS, 14 faults")
    assert [line.split(":")[0] for line in lines if line.startswith("  spec")] == [f"  spec.f{n}" for n in range(12)]
    assert lines[-3:] == ["  and 2 more", "and 2 warnings", "explain: mtls-guard explain file-not-mounted"]


def test_every_finding_is_a_cause_for_machines() -> None:
    response = answer(Verdict(APP, (warn(EXPIRED), MOUNT), GOAL), "u-7")["response"]
    assert "warnings" not in response
    assert {key: response["status"][key] for key in ("status", "reason", "code", "details")} == {
        "status": "Failure",
        "reason": "Forbidden",
        "code": 403,
        "details": {
            "name": "sample-app",
            "group": "apps",
            "kind": "Deployment",
            "causes": [
                {"reason": MOUNT.rule, "message": f"{MOUNT.problem}; {MOUNT.fix}", "field": MOUNT.path},
                {
                    "reason": EXPIRED.rule,
                    "message": f"warning: {SECRET}: {EXPIRED.problem}; {EXPIRED.fix}",
                    "field": 'key "cert"',
                },
            ],
        },
    }


def test_a_warning_names_its_object_and_its_rule() -> None:
    assert warnings(Verdict(APP, (warn(EXPIRED),))) == [
        f"{SECRET} {EXPIRED.path}: {EXPIRED.problem}; {EXPIRED.fix} [certificate-expired]"
    ]


def test_long_warning_is_shortened_inside_its_path() -> None:
    found = warn(MOUNT, fix='mount it at "/etc/mtlsfiles", or change the rule')
    path = 'spec.template.metadata.annot...rVolumeMount"][0].mountPath:'
    line = f"Deployment devel/sample-app {path} {found.problem}; {found.fix} [file-not-mounted]"
    assert warnings(Verdict(APP, (found,))) == [line]


def test_names_of_253_characters_leave_a_warning_readable() -> None:
    app = ObjectRef("apps/v1", "Deployment", LONG, LONG)
    found = warn(MOUNT, object=app, path="spec", problem=f"holds no file that DestinationRule {LONG}/{LONG} reads")
    line = f"Deployment {SHORT} spec: holds no file that DestinationRule {SHORT} reads; {found.fix} [file-not-mounted]"
    assert warnings(Verdict(app, (found,))) == [line]


def test_the_end_of_a_problem_goes_before_its_fix() -> None:
    found = warn(MOUNT, path="spec", problem="one two " * 40)
    (line,) = warnings(Verdict(APP, (found,)))
    end = '...; mount the Secret at "/etc/mtlsfiles" [file-not-mounted]'
    assert (len(line), line[-len(end) :]) == (256, end)


def test_names_of_253_characters_stand_whole_in_a_denial() -> None:
    app = ObjectRef("apps/v1", "Deployment", LONG[:63], LONG)
    lines = message(Verdict(app, (replace(EXPIRED, object=replace(SECRET, name=LONG)),), GOAL))
    assert lines[0] == f"Deployment {LONG[:63]}/{LONG} cannot reach external.system.com:443 over mTLS, 1 fault"
    assert lines[1:3] == ["  Secret", f"    devel/{LONG}"]


def test_warnings_are_capped_and_counted() -> None:
    many = tuple(warn(MOUNT, path=f"spec.f{number}") for number in range(30))
    lines = warnings(Verdict(APP, many, notes=("stale",)))
    assert (len(lines), lines[-1]) == (13, "Deployment: and 19 more")


texts = st.text(max_size=400)
refs = st.builds(ObjectRef, texts, texts, texts, texts)
findings = st.builds(
    Finding, st.just("some-rule"), st.sampled_from((Severity.WARN, Severity.DENY)), refs, texts, texts, texts
)


@given(st.builds(Verdict, refs, st.lists(findings, max_size=20), texts, st.lists(texts, max_size=3)))
def test_api_server_drops_no_line_of_any_finding(verdict: Verdict) -> None:
    """A control character would drop a warning; beyond 4,096 characters each is cut at 256 (models.md, section 3)."""
    response = answer(verdict, "u")["response"]
    lines = response.get("warnings", [])
    assert [line for line in lines if not line.isprintable() or len(line) > 256] == []
    assert sum(map(len, lines)) < 4096
    if "status" in response:
        text = response["status"]["message"]
        assert [line for line in text.split("\n") if not line.isprintable()] == []
        assert len(response["status"]["details"]["causes"]) == len(verdict.findings)
        assert len(text) < 40_000


def test_kubectl_puts_its_own_words_around_a_denial() -> None:
    reply = answer(Verdict(APP, (replace(MOUNT, path="spec", problem="is wrong", fix=""),), GOAL), "u")
    assert {
        operation: screen(Request("u", operation, APP), reply, "deployment.yaml")[0]
        for operation in ("CREATE", "UPDATE", "CONNECT")
    } == {
        operation: f"Error from server (Forbidden): {doing}"
        'admission webhook "workloads.mtls-guard.io" denied the request: '
        "Deployment devel/sample-app cannot reach external.system.com:443 over mTLS, 1 fault"
        for operation, doing in (
            ("CREATE", 'error when creating "deployment.yaml": '),
            ("UPDATE", 'error when patching "deployment.yaml": '),
            ("CONNECT", ""),
        )
    }


def test_kubectl_prints_warnings_before_what_was_done() -> None:
    reply = answer(Verdict(APP, (warn(MOUNT, path="spec", problem="is odd", fix=""),)), "u")
    assert screen(Request("u", "CREATE", APP, dry_run=True), reply, "-") == [
        "Warning: Deployment devel/sample-app spec: is odd [file-not-mounted]",
        "deployment.apps/sample-app created (server dry run)",
    ]
