"""The names of an installation's objects: where it lives, and what its webhook configurations are called."""

from dataclasses import dataclass

from webhook.kubeapi.resource import Resource

CLUSTER_ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """Which installation this is: its namespace, the name that all of its objects carry, where the probe is tried."""

    namespace: str
    name: str
    probe_namespace: str = ""

    @property
    def identity(self) -> str:
        """What tells it from every other installation in the cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def host(self) -> str:
        """The name under which the API server calls it, as its URLs have it."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def telling(self) -> str:
        """The name of the configuration that never blocks; Helm's."""
        return self.name

    @property
    def enforcing(self) -> str:
        """The name of the configuration that may block."""
        return f"{self.name}-enforcing"

    @property
    def injecting(self) -> str:
        """The name of the configuration that writes into Pods; Istio's come after it."""
        return f"before-istio-{self.name}"

    @property
    def last(self) -> str:
        """The name of the configuration that is called for Pods after Istio's, if they still lack their files."""
        return f"zzz-after-istio-{self.name}"

    @property
    def config_map(self) -> str:
        """The name of the ConfigMap in which the chart says what the configurations should be."""
        return f"{self.name}-entries"
