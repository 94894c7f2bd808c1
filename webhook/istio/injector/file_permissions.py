"""Who istio-proxy runs as, and whether that user may read a file of a Secret or ConfigMap volume.

Source: injection-template.yaml, Istio 1.31; kubelet's file ownership (such files belong to root:root, and to the
fsGroup with 0440 added where the pod sets one), Kubernetes 1.37. Istio itself sets no fsGroup.
"""

from webhook.model.chain import Injection
from webhook.model.mesh import Mesh
from webhook.model.workload import PROXY, PodTemplate

PROXY_USER = 1337


def run_as_user(pod: PodTemplate, injection: Injection, mesh: Mesh) -> int:
    """The user id of istio-proxy: what its own container says, else root where it needs a capability, else 1337.

    With TPROXY the injector makes it root whatever its own container says (webhook.go, adjustInitContainerUser).
    """
    proxy = pod.container(PROXY)
    interception = pod.annotations.get("sidecar.istio.io/interceptionMode", mesh.interception_mode)
    if proxy is not None and proxy.run_as_user is not None:
        forced = interception == "TPROXY" and not (injection.manual or injection.gateway)
        return 0 if forced else proxy.run_as_user
    if injection.manual:
        return PROXY_USER if pod.run_as_user is None else pod.run_as_user
    if injection.gateway:
        return PROXY_USER
    binds_low_ports = pod.annotations.get("sidecar.istio.io/capNetBindService") == "true"
    return 0 if binds_low_ports or interception == "TPROXY" else PROXY_USER


def readable(pod: PodTemplate, user: int, mode: int) -> bool:
    """Whether istio-proxy, running as this user, may read a file of this mode."""
    if pod.fs_group is not None:
        return True
    if user == 0:
        return bool(mode & 0o400)
    proxy = pod.container(PROXY)
    in_root_group = pod.zero_group or (proxy is not None and proxy.run_as_group == 0)
    return (in_root_group and bool(mode & 0o040)) or bool(mode & 0o004)
