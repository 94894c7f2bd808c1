"""A policy file is read as its author meant it, or refused with everything that is wrong in it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.kinds.producer import FurtherProducer
from webhook.kinds.release_tool import ReleaseTools, Sign
from webhook.model.finding import ObjectRef, Severity
from webhook.model.occasion import MissingSecret
from webhook.model.rule import Rule
from webhook.policy import BadPolicy, Expiry, InjectionPolicy, Policy, WorkloadKind, load_policy

KNOWN = ("certificate-expired", "certificate-expiring", "san-unchecked", "secret-missing")
PLANS = "allowed values: wait, refuse, start"
TOP = "write rules, expiry, injection or workloads, each with what it says below it"
ALLOWED = "severity; allowed: off, warn, deny"
POD = ObjectRef("v1", "Pod", "devel", "a")


def problems(text: str) -> tuple[str, ...]:
    """What is said about a file."""
    with pytest.raises(BadPolicy) as refused:
        load_policy(text, "policy.yaml", KNOWN)
    return refused.value.problems


def rule(name: str) -> Rule:
    """A rule that denies."""
    return Rule(
        id=name, title="", severity=Severity.DENY, about="workload", reads=frozenset(), docs="", check=lambda _: ()
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}", "~", "rules:\nexpiry:\n", "rules: {}"])
def test_a_file_that_says_nothing_is_the_default_policy(text: str) -> None:
    """Thirty days ahead warns, expired denies, and each rule weighs what its author gave it."""
    policy = load_policy(text, "policy.yaml", KNOWN)
    weight = policy.severity(rule("secret-missing"), namespace="devel", object=POD)
    assert (policy.expiry, policy.workload_paths, weight) == (
        Expiry(timedelta(days=30), timedelta()),
        {},
        Severity.DENY,
    )


def test_all_that_a_file_can_say() -> None:
    """The example of the documentation; a bare `off` is the word, not YAML's false."""
    text = """
rules: {certificate-expiring: deny, san-unchecked: Warn, secret-missing: off}
expiry: {warn: 60, deny: 7}
injection: {withoutPlan: refuse, waitSeconds: 5}
workloads: [{apiVersion: example.com/v1, kind: GameServer, template: spec.template}]
"""
    read = load_policy(text, "policy.yaml", KNOWN)
    assert read == Policy(
        {"certificate-expiring": Severity.DENY, "san-unchecked": Severity.WARN, "secret-missing": Severity.OFF},
        Expiry(timedelta(days=60), timedelta(days=7)),
        (WorkloadKind("example.com/v1", "GameServer", ("spec", "template")),),
        injection=InjectionPolicy("refuse", timedelta(seconds=5)),
    )
    weights = [read.severity(rule(name), namespace="devel", object=POD) for name in KNOWN]
    assert weights == [Severity.DENY, Severity.DENY, Severity.WARN, Severity.OFF]


def test_every_problem_is_told_at_once() -> None:
    """Each with file, line, key, value, and what is allowed."""
    text = """\
rule: {}
rules:
  secret-mising: deny
  san-unchecked: deni
  san-unchecked: [off]
  certificate-expired: 1
  bogus: off
expiry: {warn: 7, deny: 30, days: 1}
workloads:
  - {apiVersion: apps/v1, kind: Deployment, template: spec.template}
  - {apiVersion: example.com, kind: gameServer, tempalte: spec}
  - {apiVersion: example.com/v1, kind: G, template: spec.template}
  - {apiVersion: example.com/v1, kind: G, template: "spec.template[0]"}
  - 5
"""
    assert problems(text) == (
        (
            'policy.yaml:1: rule: no such key; did you mean "rules"?; allowed: rules, expiry, workloads, '
            "injection, missingSecret, releaseTools, producers"
        ),
        (
            "policy.yaml:3: rules.secret-mising: no such rule; "
            'did you mean "secret-missing"?; `mtls-guard explain` lists them'
        ),
        'policy.yaml:4: rules.san-unchecked: "deni" is no severity; did you mean "deny"?; allowed: off, warn, deny',
        "policy.yaml:5: rules.san-unchecked: stands twice",
        "policy.yaml:5: rules.san-unchecked: a sequence is no severity; allowed: off, warn, deny",
        'policy.yaml:6: rules.certificate-expired: "1" is no severity; allowed: off, warn, deny',
        "policy.yaml:7: rules.bogus: no such rule; `mtls-guard explain` lists them",
        "policy.yaml:8: expiry.days: no such key; allowed: warn, deny",
        "policy.yaml:8: expiry.deny: 30 days are more than the 7 of expiry.warn; what denies must have warned before",
        'policy.yaml:10: workloads[0].kind: "Deployment" of apps/v1 is judged already; name another kind',
        (
            "policy.yaml:11: workloads[1].tempalte: no such key; "
            'did you mean "template"?; allowed: apiVersion, kind, template'
        ),
        'policy.yaml:11: workloads[1].apiVersion: "example.com" is not an apiVersion such as "example.com/v1"',
        'policy.yaml:11: workloads[1].kind: "gameServer" is not a kind such as "GameServer"',
        'policy.yaml:11: workloads[1].template: is missing; write the path of a pod template such as "spec.template"',
        (
            "policy.yaml:13: workloads[3].template: "
            '"spec.template[0]" is not the path of a pod template such as "spec.template"'
        ),
        'policy.yaml:14: workloads[4]: "5" is no mapping; write apiVersion, kind and template of each further kind',
        'policy.yaml:14: workloads[4].apiVersion: is missing; write an apiVersion such as "example.com/v1"',
        'policy.yaml:14: workloads[4].kind: is missing; write a kind such as "GameServer"',
        'policy.yaml:14: workloads[4].template: is missing; write the path of a pod template such as "spec.template"',
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", f"policy.yaml:1: a sequence is no mapping; {TOP}"),
        ("deny", f'policy.yaml:1: "deny" is no mapping; {TOP}'),
        (
            "rules: off",
            (
                'policy.yaml:1: rules: "off" is no mapping; '
                "write the id of a rule and off, warn or deny, as in secret-missing: warn"
            ),
        ),
        (
            "expiry: 30",
            ('policy.yaml:1: expiry: "30" is no mapping; write warn or deny and a number of days, as in warn: 30'),
        ),
        (
            "workloads: off",
            (
                'policy.yaml:1: workloads: "off" is no list; '
                "write apiVersion, kind and template of each further kind behind a dash"
            ),
        ),
        (
            "rules: {secret-missing: }",
            'policy.yaml:1: rules.secret-missing: "" is no severity; allowed: off, warn, deny',
        ),
        (
            "rules: {secret-missing: true}",
            f'policy.yaml:1: rules.secret-missing: "true" is no {ALLOWED}',
        ),
        ("expiry: {warn: 014}", 'policy.yaml:1: expiry.warn: "014" is no whole number of days from 0 to 3650'),
        ("expiry: {warn: [7]}", "policy.yaml:1: expiry.warn: a sequence is no whole number of days from 0 to 3650"),
        ("expiry: {warn: }", 'policy.yaml:1: expiry.warn: "" is no whole number of days from 0 to 3650'),
        ("expiry: {warn: -1}", 'policy.yaml:1: expiry.warn: "-1" is no whole number of days from 0 to 3650'),
        ("expiry: {warn: 1.5}", 'policy.yaml:1: expiry.warn: "1.5" is no whole number of days from 0 to 3650'),
        ("expiry: {warn: 30d}", 'policy.yaml:1: expiry.warn: "30d" is no whole number of days from 0 to 3650'),
        ("expiry: {warn: 9999}", 'policy.yaml:1: expiry.warn: "9999" is no whole number of days from 0 to 3650'),
        (
            "expiry: {deny: 31}",
            (
                "policy.yaml:1: expiry.deny: 31 days are more than the 30 of expiry.warn, which nobody set; "
                "what denies must have warned before"
            ),
        ),
        ("injection: {withoutPlan: later}", 'policy.yaml:1: injection.withoutPlan: "later" is none of the ' + PLANS),
        (
            "injection: {waitSeconds: 1m}",
            'policy.yaml:1: injection.waitSeconds: "1m" is no whole number of seconds from 0 to 3600',
        ),
        ("a: [", "policy.yaml:1: not YAML: while parsing a flow node, did not find expected node content"),
        ("{}\n---\n{}", "policy.yaml:2: not YAML: but found another document"),
        ("a: \x07", "policy.yaml:1: not YAML: the character U+0007 is not allowed"),
        ("a: " + "[" * 10, "policy.yaml:1: nested deeper than 10 levels"),
        (
            "rules: &a {secret-missing: *a}",
            "policy.yaml:1: the alias *a has no anchor that ends before it",
        ),
    ],
)
def test_a_wrong_value_is_quoted(text: str, problem: str) -> None:
    """One problem each."""
    assert problems(text) == (problem,)


@pytest.mark.parametrize(("warn", "deny"), [(0, 0), (3650, 3650), (1, 0)])
def test_thresholds_may_meet_and_may_be_zero(warn: int, deny: int) -> None:
    """Zero days: only once it has expired."""
    read = load_policy(f"expiry: {{warn: {warn}, deny: {deny}}}", "policy.yaml", KNOWN)
    assert read.expiry == Expiry(timedelta(days=warn), timedelta(days=deny))


def test_kind_of_another_group_may_share_a_built_in_name() -> None:
    """OpenKruise has a StatefulSet, Volcano a Job, each of its own."""
    text = """
workloads:
  - {apiVersion: apps.kruise.io/v1beta1, kind: StatefulSet, template: spec.template}
  - {apiVersion: acme.example/v1, kind: StatefulSet, template: spec.pods}
"""
    assert load_policy(text, "policy.yaml", KNOWN).workload_paths == {
        ("apps.kruise.io", "StatefulSet"): ("spec", "template"),
        ("acme.example", "StatefulSet"): ("spec", "pods"),
    }


@given(st.text(alphabet="{}[]:, \nabrulesoffwarnexpiry&*-!|>\"'#0", max_size=60))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    """Never another error, and every problem is one printable line."""
    try:
        load_policy(text, "policy.yaml", KNOWN)
    except BadPolicy as refused:
        assert all(problem.isprintable() and len(problem) <= 256 for problem in refused.problems)  # noqa: PT017


def test_what_a_policy_says_of_objects_that_do_not_exist_yet() -> None:
    """Signs of a release tool are keys, or a key with its value; without a path, the object's own name."""
    text = """
missingSecret: warn
releaseTools:
  labels: [example.com/deployed-by, team=deployer]
  annotations: [example.com/release]
  fieldManagers: [our-deployer]
producers:
  - {group: example.com, kind: ClientTls, name: spec.target.name}
  - {group: example.com, kind: TrustedRoots, makes: ConfigMap}
"""
    read = load_policy(text, "policy.yaml", KNOWN)
    assert read == Policy(
        missing_secret=MissingSecret.WARN,
        release_tools=ReleaseTools(
            (
                Sign("example.com/deployed-by", "", "example.com/deployed-by"),
                Sign("team", "deployer", "team=deployer"),
            ),
            (Sign("example.com/release", "", "example.com/release"),),
            ("our-deployer",),
        ),
        producers=(
            FurtherProducer("example.com", "ClientTls", ("spec", "target", "name"), "Secret"),
            FurtherProducer("example.com", "TrustedRoots", ("metadata", "name"), "ConfigMap"),
        ),
    )


def test_every_problem_in_what_it_says_of_them_is_told() -> None:
    text = """\
missingSecret: maybe
releaseTools: {labels: [5=, "a b"], fieldManagers: helm, tools: []}
producers:
  - {group: cert-manager.io, kind: Certificate}
  - {group: Example, kind: secret, name: "spec[0]", makes: Pod}
  - {kind: ClientTls}
"""
    assert problems(text) == (
        'policy.yaml:1: missingSecret: "maybe" is none of the allowed values: auto, warn, deny',
        "policy.yaml:2: releaseTools.tools: no such key; allowed: labels, annotations, fieldManagers",
        'policy.yaml:2: releaseTools.labels[0]: "5=" is not a key such as example.com/deployed-by, or KEY=VALUE',
        'policy.yaml:2: releaseTools.labels[1]: "a b" is not a key such as example.com/deployed-by, or KEY=VALUE',
        'policy.yaml:2: releaseTools.fieldManagers: "helm" is no list; write a field manager behind a dash',
        'policy.yaml:4: producers[0].kind: "Certificate" of cert-manager.io is known already',
        'policy.yaml:5: producers[1].group: "Example" is not an API group such as example.com',
        'policy.yaml:5: producers[1].kind: "secret" is not a kind such as ClientTls',
        'policy.yaml:5: producers[1].name: "spec[0]" is not the path of a name such as "spec.secretName"',
        'policy.yaml:5: producers[1].makes: "Pod" is none of the allowed values: Secret, ConfigMap',
        "policy.yaml:6: producers[2].group: is missing; write an API group such as example.com",
    )
