"""The data keys of the Secrets and ConfigMaps of one namespace, from which a sidecar's volumes take their files."""

from collections.abc import Mapping

from webhook.model.material import Material
from webhook.view import ClusterView


class ViewContents:
    """The `Contents` of `istio.injector.proxy_filesystem`, read from a view of the cluster."""

    def __init__(self, view: ClusterView, namespace: str) -> None:
        """Contents of the objects of one namespace."""
        self.view = view
        self.namespace = namespace

    def unread(self, kind: str, name: str) -> str:
        """Why it is unknown whether an object that is not in view exists; '' if it does not exist."""
        return self.view.unread("Secret" if kind == "secret" else "ConfigMap", self.namespace, name)

    def keys(self, kind: str, name: str) -> Mapping[str, Material] | None:
        """The data keys of the object with their facts, None when it is not in view. kind: `secret` or `configMap`."""
        if kind == "secret":
            secret = self.view.secret(self.namespace, name)
            return None if secret is None else secret.keys
        config_map = self.view.config_map(self.namespace, name)
        return None if config_map is None else config_map.keys
