"""`explain KIND/NAME`: the chain of a workload as a tree, where it holds and where it does not."""

import copy
import json
from typing import Any

import pytest

from tests import worked
from tests.injecting import opted
from webhook.cli import group
from webhook.engine.objects import judge_workload, picture_of
from webhook.examples import AT
from webhook.kinds.workload import read_workload
from webhook.policy import Policy
from webhook.report.tree import Paper, draw
from webhook.view import Snapshot

WORKS = """\
Deployment devel/sample-app
├── ✓ sidecar: yes, namespace devel has the label istio-injection=enabled
└── external.system.com:443
    ├── ✓ DestinationRule project/external-system-dest-rule: MUTUAL, sni external.system.com
    ├── ✓ clientCertificate /etc/mtlsfiles/cert
    │   ├── ✓ mount "/etc/mtlsfiles"
    │   ├── ✓ volume "external-system-mtls-data"
    │   ├── ✓ Secret devel/external-system-mtls-data
    │   ├── ✓ key "cert"
    │   └── ✓ certificate CN=client,O=Example, issued by CN=Example Root CA,O=Example, valid until 2027-11-24 (365 days)
    ├── ✓ privateKey /etc/mtlsfiles/key
    │   ├── ✓ mount "/etc/mtlsfiles"
    │   ├── ✓ volume "external-system-mtls-data"
    │   ├── ✓ Secret devel/external-system-mtls-data
    │   ├── ✓ key "key"
    │   └── ✓ private key, EC P-256
    ├── ✓ caCertificates /etc/mtlsfiles/cacert
    │   ├── ✓ mount "/etc/mtlsfiles"
    │   ├── ✓ volume "external-system-mtls-data"
    │   ├── ✓ Secret devel/external-system-mtls-data
    │   ├── ✓ key "cacert"
    │   └── ✓ certificate CN=Example Root CA,O=Example, valid until 2027-11-24 (365 days)
    └── ✓ the private key belongs to the certificate"""


PLAIN = Paper()


def tree(manifest: Any, view: Snapshot, paper: Paper = PLAIN) -> str:
    """The tree of a workload."""
    workload = read_workload(manifest)
    assert workload is not None
    drawn = draw(picture_of(workload, view, Policy(), AT), judge_workload(workload, view, Policy(), AT), paper)
    return "\n".join(drawn)


def test_a_chain_that_holds_has_a_tick_at_each_link() -> None:
    assert tree(worked.deployment(), worked.cluster()) == WORKS


def test_the_same_is_drawn_where_only_ascii_can_be_shown() -> None:
    plain = tree(worked.deployment(), worked.cluster(), Paper(ascii_only=True))
    assert plain.isascii()
    assert plain.count("-- ok ") == WORKS.count("✓ ")


def test_broken_link_shows_fault_and_fix() -> None:
    secret = copy.deepcopy(dict(worked.of_kind("Secret")))
    secret["stringData"].pop("cacert")
    drawn = tree(worked.deployment(), worked.cluster(secret, without=("Secret",))).splitlines()
    (cross,) = [line for line in drawn if '✗ key "cacert"' in line]
    after = drawn[drawn.index(cross) + 1]
    assert 'deny: does not exist (it holds "cert", "key")' in after
    assert after.endswith("[data-key-missing]")


def test_a_file_that_no_mount_covers_ends_at_its_path() -> None:
    moved = copy.deepcopy(dict(worked.deployment()))
    annotations = moved["spec"]["template"]["metadata"]["annotations"]
    name = "sidecar.istio.io/userVolumeMount"
    annotations[name] = annotations[name].replace("/etc/mtlsfiles", "/etc/mtls")
    drawn = tree(moved, worked.cluster())
    assert drawn.count("✗ no mount of istio-proxy covers it") == 3
    idle = drawn.index(
        '✗ mount "/etc/mtls" of Secret "external-system-mtls-data": no rule in force reads a file below it'
    )
    assert drawn.splitlines()[-1].endswith("[file-not-mounted]")
    assert drawn[idle:].count("\n") == 1


def test_a_rule_that_is_not_in_force_is_shown_with_the_reason() -> None:
    hidden = copy.deepcopy(dict(worked.of_kind("DestinationRule")))
    hidden["spec"]["exportTo"] = ["."]
    drawn = tree(worked.deployment(), worked.cluster(hidden, without=("DestinationRule",)))
    assert "✗ external.system.com: DestinationRule project/external-system-dest-rule is not in force" in drawn


def test_a_workload_without_a_sidecar_or_a_rule_says_so() -> None:
    lonely = copy.deepcopy(dict(worked.deployment()))
    lonely["spec"]["template"] = {"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}}
    assert "✗ sidecar: no" in tree(lonely, worked.cluster())
    assert "it means no DestinationRule" in tree(opted({}), worked.cluster())


def test_a_secret_that_is_not_in_the_input_has_a_question_mark() -> None:
    view = Snapshot(complete=False)
    for one in (*worked.worked(), worked.deployment()):
        if one["kind"] != "Secret":
            view.put(one)
    drawn = tree(worked.deployment(), view)
    assert "? Secret devel/external-system-mtls-data is not in the input" in drawn
    assert "✗" not in drawn


def test_what_injection_will_add_is_part_of_the_tree() -> None:
    drawn = tree(opted(), worked.cluster())
    assert "mtls-guard adds its volumes" in drawn
    assert "✗" not in drawn


def test_a_narrow_terminal_wraps_and_colours_only_on_demand() -> None:
    narrow = tree(worked.deployment(), worked.cluster(), Paper(width=60))
    assert max(map(len, narrow.splitlines())) <= 60
    assert "\x1b" not in narrow
    assert "\x1b[32m" in tree(worked.deployment(), worked.cluster(), Paper(color=True))


def test_the_folder_where_one_stands_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    monkeypatch.chdir(worked.FOLDER)
    result = CliRunner().invoke(group, ["explain", "deploy/sample-app"])
    assert result.exit_code == 0
    assert result.output.startswith("Deployment devel/sample-app\n")


def named(manifest: Any, name: str, host: str) -> dict[str, Any]:
    """A copy of an Istio object of the worked example, under another name and for another host."""
    twin: dict[str, Any] = copy.deepcopy(dict(manifest))
    twin["metadata"]["name"] = name
    twin["spec"]["hosts" if twin["kind"] == "ServiceEntry" else "host"] = (
        [host] if twin["kind"] == "ServiceEntry" else host
    )
    return twin


def test_destinationrules_sharing_files_show_their_tls() -> None:
    """The same three files, another host with another SNI: both handshakes are told."""
    rule = named(worked.of_kind("DestinationRule"), "second", "second.example.com")
    rule["spec"]["trafficPolicy"] = json.loads(
        json.dumps(rule["spec"]["trafficPolicy"]).replace("external.system", "x")
    )
    entry = named(worked.of_kind("ServiceEntry"), "second", "second.example.com")
    drawn = tree(worked.deployment(), worked.cluster(rule, entry))
    assert "✓ DestinationRule project/external-system-dest-rule: MUTUAL, sni external.system.com" in drawn
    assert "! DestinationRule project/second: MUTUAL, sni x.com" in drawn  # no route leads to its HTTPS port
    assert drawn.count("clientCertificate") == 1


def test_many_rules_are_counted_beyond_the_first() -> None:
    """Of those that share files as of those that are not in force; the tree stays one that a person reads."""
    rule, entry = worked.of_kind("DestinationRule"), worked.of_kind("ServiceEntry")
    many = [named(one, f"r{n}", f"h{n}.example.com") for n in range(30) for one in (rule, entry)]
    sharing = tree(worked.deployment(), worked.cluster(*many))
    for one in many:
        one["spec"]["exportTo"] = ["."]
    hidden = tree(worked.deployment(), worked.cluster(*many, without=("DestinationRule", "ServiceEntry")))
    assert "and 26 more rules or subsets that read the same files" in sharing
    assert hidden.count("is not in force") <= 20 + 1
    assert len(hidden.splitlines()) < 80
