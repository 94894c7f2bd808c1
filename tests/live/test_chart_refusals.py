"""What the chart refuses, and what it says then: typos, and values that make no sense together."""

from collections.abc import Mapping
from typing import Any

import pytest

from rig.helm import HelmFailed, helm
from tools.chart import CHART

pytestmark = pytest.mark.slow

Values = Mapping[str, Any]


def failure(values: Values, *arguments: str, namespace: str = "mtls-guard") -> str:
    """Why Helm refuses the values."""
    with pytest.raises(HelmFailed) as refused:
        helm("template", "mtls-guard", CHART, "--namespace", namespace, *arguments, values=values)
    return str(refused.value)


TYPOS: Mapping[str, Values] = {
    "replica": {"replica": 3},
    "failurepolicy": {"webhook": {"failurepolicy": "Ignore"}},
    "/webhook/failurePolicy": {"webhook": {"failurePolicy": "Warn"}},
    "timeoutSeconds": {"webhook": {"timeoutSeconds": 31}},
    "secret": {"webhook": {"entries": {"secret": True}}},
    "issuer": {"certificate": {"certManager": {"issuerRef": {"issuer": "a"}}}},
    "/certificate/mode": {"certificate": {"mode": "cert-manager"}},
    "expires": {"policy": {"expires": {"warn": 30}}},
    "/policy/rules/secret-missing": {"policy": {"rules": {"secret-missing": "fatal"}}},
    "namespaces": {"rbac": {"namespaces": ["devel"]}},
    "/replicas": {"replicas": "two"},
    "secrets-missing": {"policy": {"rules": {"secrets-missing": "off"}}},
    "cdir": {"networkPolicy": {"admissionFrom": [{"ipBlock": {"cdir": "10.0.0.0/8"}}]}},
    "effects": {"tolerations": [{"key": "a", "effects": "NoSchedule"}]},
}


@pytest.mark.parametrize(("word", "values"), TYPOS.items(), ids=TYPOS)
def test_a_typo_is_refused(word: str, values: Values) -> None:
    assert word in failure(values)


CONTRADICTIONS: Mapping[str, Values] = {
    "set certificate.existing.secretName and certificate.existing.caBundle": {"certificate": {"mode": "existing"}},
    "but certificate.mode is selfManaged: set the mode to existing": {"certificate": {"existing": {"secretName": "a"}}},
    "issuerRef is set, but certificate.mode is selfManaged": {
        "certificate": {"certManager": {"issuerRef": {"name": "a"}}}
    },
    "holds no PEM certificate": {"certificate": {"mode": "existing", "existing": {"secretName": "a", "caBundle": "b"}}},
    "both 8080": {"webhook": {"port": 8080}},
    "the kubelet listens there": {"hostNetwork": True},
    "need metrics.enabled": {"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}},
    "autoscaling.minReplicas 5 is more than": {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 4}},
    "name an existing one in serviceAccount.name": {"serviceAccount": {"create": False}},
    "tests.namespace istio-system is one whose workloads are let alone": {"tests": {"namespace": "istio-system"}},
    "probe.namespace kube-system is one that is never looked at": {"probe": {"namespace": "kube-system"}},
    "policy.expiry.deny 31 is more than policy.expiry.warn 30": {"policy": {"expiry": {"deny": 31}}},
    "policy.expiry.deny 1 is more than policy.expiry.warn 0": {"policy": {"expiry": {"deny": 1, "warn": 0}}},
    "workloadResources names GameServer, which neither policy.workloads nor policy.producers does": {
        "workloadResources": {"GameServer": "a"}
    },
}


@pytest.mark.parametrize(("why", "values"), CONTRADICTIONS.items(), ids=CONTRADICTIONS)
def test_contradicting_values_are_refused_with_remedy(why: str, values: Values) -> None:
    assert why in failure(values)


def test_a_release_in_a_namespace_of_istio_is_refused() -> None:
    assert "which is Istio's namespace" in failure({}, namespace="istio-system")


def test_helm_test_namespace_is_refused_as_release_namespace() -> None:
    assert "install with --namespace mtls-guard --create-namespace" in failure({}, namespace="default")
