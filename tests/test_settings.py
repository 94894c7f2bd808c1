"""What the server is told: flags, variables, defaults, and what is said of wrong ones."""

from datetime import timedelta
from pathlib import Path

import pytest

from webhook.settings import Address, BadSettings, ObjectName, Settings, read_settings

NEEDED = {"cluster": "manifests", "cert": "tls.crt", "key": "tls.key"}


def complaint(flags: dict[str, str], environ: dict[str, str] | None = None) -> str:
    """What is said of these settings."""
    with pytest.raises(BadSettings) as caught:
        read_settings(flags, environ or {})
    return str(caught.value)


def test_only_the_certificate_must_be_named() -> None:
    assert read_settings(NEEDED, {}) == Settings(
        cluster=(Path("manifests"),),
        certificate=Path("tls.crt"),
        key=Path("tls.key"),
        ca=None,
        serving_secret=None,
        serving_dns=None,
        installation=None,
        probe_namespace=None,
        kubeconfig=None,
        istio_namespace="istio-system",
        stale_after=timedelta(minutes=2),
        not_judged="Admit",
        mutate_not_judged="Unavailable",
        metrics=None,
        drain=0,
        linger=0,
        connections=4096,
        peer_connections=1024,
        queue=256,
        bind=Address("127.0.0.1", 8443),
        policy=None,
        log="json",
        workers=1,
        threads=4,
    )


def test_a_flag_wins_over_its_variable() -> None:
    environ = {"MTLS_GUARD_THREADS": "4", "MTLS_GUARD_LOG": "text", "MTLS_GUARD_POLICY": "policy.yaml"}
    found = read_settings(NEEDED | {"threads": "2"}, environ)
    assert (found.threads, found.log, found.policy) == (2, "text", Path("policy.yaml"))


def test_several_paths_are_the_cluster() -> None:
    found = read_settings({"cert": "c", "key": "k"}, {"MTLS_GUARD_CLUSTER": "one:two/three"})
    assert found.cluster == (Path("one"), Path("two/three"))


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:8443", Address("127.0.0.1", 8443)),
        ("[::1]:0", Address("::1", 0)),
        (":9443", Address("0.0.0.0", 9443)),
        ("localhost:443", Address("localhost", 443)),
    ],
)
def test_an_address_is_host_and_port(written: str, address: Address) -> None:
    assert read_settings(NEEDED | {"bind": written}, {}).bind == address


def test_wrong_setting_is_named_with_allowed_values() -> None:
    environ = {"MTLS_GUARD_THREADS": "many\n", "MTLS_GUARD_WORKERS": "0"}
    assert complaint(NEEDED | {"bind": "8443", "log": "xml"}, environ).splitlines() == [
        '--bind "8443": expected HOST:PORT with a port from 0 to 65535, as 127.0.0.1:8443, [::1]:8443 or :8443',
        '--log "xml": expected json or text',
        'MTLS_GUARD_WORKERS "0": expected a whole number from 1 to 64',
        'MTLS_GUARD_THREADS "many\\n": expected a whole number from 1 to 256',
    ]


@pytest.mark.parametrize("written", ["::1:8443", "127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:-1"])
def test_what_is_no_address_is_refused(written: str) -> None:
    wanted = "expected HOST:PORT with a port from 0 to 65535, as 127.0.0.1:8443, [::1]:8443 or :8443"
    assert complaint(NEEDED | {"bind": written}) == f'--bind "{written}": {wanted}'


def test_a_missing_setting_says_how_to_give_it() -> None:
    assert complaint({}).splitlines() == [
        "--cert is missing: name the PEM file of the webhook's own certificate (or set MTLS_GUARD_CERT)",
        "--key is missing: name the PEM file of the private key of that certificate (or set MTLS_GUARD_KEY)",
    ]


def test_a_certificate_in_the_cluster_takes_the_place_of_files() -> None:
    environ = {"MTLS_GUARD_SERVING_SECRET": "guard/guard-serving", "MTLS_GUARD_SERVING_DNS": "guard.guard.svc, guard"}
    found = read_settings({"cluster": "manifests", "installation": "guard/guard"}, environ)
    assert (found.certificate, found.key) == (None, None)
    assert (found.serving_secret, found.serving_dns, found.installation) == (
        ObjectName("guard", "guard-serving"),
        ("guard.guard.svc", "guard"),
        ObjectName("guard", "guard"),
    )


@pytest.mark.parametrize(
    "flags",
    [
        NEEDED | {"serving-secret": "guard/guard-serving", "serving-dns": "guard"},
        {"cluster": "manifests", "serving-secret": "guard/guard-serving"},
        NEEDED | {"serving-dns": "guard"},
    ],
)
def test_ways_to_a_certificate_are_never_mixed(flags: dict[str, str]) -> None:
    """A Secret of somebody else's is never written; so it must be plain which one it is."""
    assert complaint(flags) == (
        "--serving-secret goes with --serving-dns, the names under which the API server calls us, "
        "and without --cert and --key"
    )


@pytest.mark.parametrize("written", ["guard", "/guard", "guard/", "a/b/c"])
def test_an_object_is_named_with_its_namespace(written: str) -> None:
    told = f'--installation "{written}": expected NAMESPACE/NAME, as mtls-guard/mtls-guard-serving'
    assert complaint(NEEDED | {"installation": written}) == told


def test_without_manifests_the_cluster_is_a_live_one() -> None:
    found = read_settings({"cert": "c", "key": "k"}, {"MTLS_GUARD_METRICS": ":8080", "MTLS_GUARD_STALE_AFTER": "60"})
    assert (found.cluster, found.metrics, found.stale_after) == (None, Address("0.0.0.0", 8080), timedelta(minutes=1))


def test_metrics_of_several_processes_need_several_addresses() -> None:
    assert "leave --workers at 1" in complaint(NEEDED | {"metrics": ":8080", "workers": "2"})


def test_staleness_is_no_matter_of_a_second_or_a_day() -> None:
    assert complaint(NEEDED | {"stale-after": "5"}) == '--stale-after "5": expected a whole number from 30 to 3600'
