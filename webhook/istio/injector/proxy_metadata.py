"""Reads the proxy metadata of a pod: what the mesh, the annotation `proxy.istio.io/config` and istio-proxy's env set.

Only what changes files is asked for: OUTPUT_CERTS and ISTIO_META_TLS_CLIENT_*. What follows from it is left to others.
"""

from collections.abc import Mapping
from typing import Any

from webhook.decoding.errors import InvalidDocument, LimitExceeded
from webhook.decoding.limits import ANNOTATION
from webhook.model.mesh import Mesh
from webhook.model.raw_object import mapping, texts
from webhook.model.workload import PROXY, PodTemplate

CONFIG_ANNOTATION = "proxy.istio.io/config"


def proxy_metadata(pod: PodTemplate, mesh: Mesh) -> Mapping[str, str]:
    """The metadata that istio-proxy will see as its environment; the pod wins over the mesh, its own env over both."""
    proxy = pod.container(PROXY)
    annotation = pod.annotations.get(CONFIG_ANNOTATION, "")
    if "roxy" not in annotation and not (proxy and proxy.env):
        return mesh.proxy_metadata
    return {**mesh.proxy_metadata, **_annotated(annotation), **(proxy.env if proxy else {})}


def is_readable(annotation: str) -> bool:
    """Whether the injector can read the annotation `proxy.istio.io/config`: YAML of a mapping, or nothing.

    What is larger than the limits counts as readable: see `unread`.
    """
    parsed = _parsed(annotation)
    return parsed is None or isinstance(parsed, dict)


def output_certs(pod: PodTemplate, mesh: Mesh) -> str:
    """The directory that the agent writes the workload's own certificate into, '' when it writes none."""
    return proxy_metadata(pod, mesh).get("OUTPUT_CERTS", "")


def file_mounted(pod: PodTemplate, mesh: Mesh) -> bool:
    """Whether the agent is told to take the workload's identity from files, and to ask no CA.

    Source: pkg/istio-agent/agent.go and pilot/cmd/pilot-agent/options/security.go (Istio 1.31).
    """
    return proxy_metadata(pod, mesh).get("FILE_MOUNTED_CERTS", "").lower() in ("true", "t", "1")


def client_files(pod: PodTemplate, mesh: Mesh) -> tuple[str, str, str]:
    """Certificate, key and CA of ISTIO_META_TLS_CLIENT_*, which replace a rule's paths for services of the mesh."""
    metadata = proxy_metadata(pod, mesh)
    chain, key, root = (
        metadata.get(f"ISTIO_META_TLS_CLIENT_{part}", "") for part in ("CERT_CHAIN", "KEY", "ROOT_CERT")
    )
    return chain, key, root


def _annotated(annotation: str) -> Mapping[str, str]:
    """`proxyMetadata` of the annotation in either spelling that Istio takes; {} where it does not parse."""
    config = mapping(_parsed(annotation)) if "roxy" in annotation else {}
    return {**texts(config.get("proxy_metadata")), **texts(config.get("proxyMetadata"))}


def unread(annotation: str) -> str:
    """Why the annotation was not read, although the injector may be able to; '' where it was."""
    try:
        _load(annotation)
    except LimitExceeded as fault:
        return fault.problem
    except InvalidDocument:
        pass
    return ""


def _parsed(annotation: str) -> Any:
    """The YAML value, False where it is none, {} where it is larger than what is read."""
    try:
        return _load(annotation)
    except LimitExceeded:
        return {}
    except InvalidDocument:
        return False


def _load(annotation: str) -> Any:
    from webhook.decoding.yaml_text import load_yaml

    return load_yaml(annotation, ANNOTATION)
