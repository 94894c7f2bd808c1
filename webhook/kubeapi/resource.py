"""Names a kind as the API server serves it, and the paths under which its objects are."""

from dataclasses import dataclass
from urllib.parse import quote

from webhook.kinds.registry import BY_KIND


@dataclass(frozen=True, slots=True)
class Resource:
    """One served kind. group: '' for the core group. plural: `destinationrules`, as in the path and in RBAC."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """`destinationrules.networking.istio.io`, `pods`: as kubectl and RBAC name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of an object, of all objects of a namespace, or of all of the cluster."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        return "/" + "/".join(parts)


def registered(kind: str) -> Resource:
    """A kind of the registry.

    Raises:
        KeyError: the registry has no such kind.
    """
    entry = BY_KIND[kind]
    return Resource(entry.group, entry.version, entry.plural, entry.kind, entry.namespaced)


SECRETS = registered("Secret")
CONFIG_MAPS = registered("ConfigMap")
NAMESPACES = registered("Namespace")
PODS = registered("Pod")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
VALIDATING = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
MUTATING = registered("MutatingWebhookConfiguration")
ACCESS_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False
)
