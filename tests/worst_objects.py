"""The largest workloads that a tenant can send: in each, a list or a text of `count` entries grows."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from tests.worked import deployment
from tests.worst_config import ISTIO, SECRET, Grow, Grown

_ANNOTATIONS = ("spec", "template", "metadata", "annotations")
_VOLUME, _MOUNT = "sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount"


def _at(manifest: Grown, *path: str) -> Any:
    here: Any = manifest
    for key in path:
        here = here[key]
    return here


def _workload(**spec: Any) -> Grown:
    grown = copy.deepcopy(dict(deployment()))
    grown["spec"]["template"]["spec"].update(spec)
    return grown


def _annotated(**texts: str) -> Grown:
    grown = _workload()
    names = {"volumes": _VOLUME, "mounts": _MOUNT}
    _at(grown, *_ANNOTATIONS).update({names.get(name, name): text for name, text in texts.items()})
    return grown


def _json(entries: object) -> str:
    return json.dumps(entries, separators=(",", ":"))


def _containers(count: int) -> Grown:
    mounts = [{"name": "v", "mountPath": "/x"}]
    return _workload(containers=[{"name": f"c{n}", "image": "app", "volumeMounts": mounts} for n in range(count)])


def _proxy(count: int) -> Grown:
    mounts = [{"name": f"v{n}", "mountPath": f"/m{n}"} for n in range(count)]
    volumes = [{"name": f"v{n}", "secret": {"secretName": f"s{n}"}} for n in range(count)]
    return _workload(containers=[{"name": "istio-proxy", "image": "auto", "volumeMounts": mounts}], volumes=volumes)


def _application(count: int) -> Grown:
    mounts = [{"name": f"v{n}", "mountPath": f"/m{n}"} for n in range(count)]
    volumes = [{"name": f"v{n}", "secret": {"secretName": f"s{n}"}} for n in range(count)]
    return _workload(containers=[{"name": "app", "image": "app", "volumeMounts": mounts}], volumes=volumes)


def _environment(count: int) -> Grown:
    env = [{"name": f"E{n}", "value": "external.system.com"} for n in range(count)]
    return _workload(containers=[{"name": "app", "image": "app", "env": env, "args": ["x"] * count}])


def _volumes(count: int) -> Grown:
    volumes = [{"name": f"v{n}", "secret": {"secretName": "external-system-mtls-data"}} for n in range(count)]
    mounts = [{"name": f"v{n}", "mountPath": f"/m{n}"} for n in range(count)]
    return _annotated(volumes=_json(volumes), mounts=_json(mounts))


def _both(count: int) -> Grown:
    """The annotation's volumes over as many of the pod's, all of one name."""
    volumes = [{"name": f"v{n}", "configMap": {"name": "x"}} for n in range(count)]
    grown = _annotated(
        volumes=_json(volumes), mounts=_json([{"name": f"v{n}", "mountPath": f"/m{n}"} for n in range(count)])
    )
    grown["spec"]["template"]["spec"]["volumes"] = [
        {"name": f"v{n}", "secret": {"secretName": "s"}} for n in range(count)
    ]
    return grown


def _labels(count: int) -> Grown:
    grown = _workload()
    _at(grown, "spec", "template", "metadata")["labels"] = {f"l{n}": "v" for n in range(count)}
    return grown


def _annotations(count: int, prefix: str) -> Grown:
    grown = _workload()
    _at(grown, *_ANNOTATIONS).update({f"{prefix}{n}": "v" for n in range(count)})
    return grown


def _declared(count: int, key: str) -> Grown:
    grown = _workload()
    notes = _at(grown, *_ANNOTATIONS)
    for name in (_VOLUME, _MOUNT):
        notes.pop(name, None)
    notes["mtls-guard.io/client-secret"] = "external-system-mtls-data"
    notes[key] = ",".join(f"h{n}" for n in range(count))
    return grown


def _items(count: int) -> Grown:
    items = [{"key": f"k{n}", "path": f"p{n}"} for n in range(count)]
    volume = {
        "name": "external-system-mtls-data",
        "secret": {"secretName": "external-system-mtls-data", "items": items},
    }
    return _annotated(volumes=_json([volume]))


def _parts(count: int) -> Grown:
    sources = [{"secret": {"name": f"s{n}", "items": [{"key": "cert", "path": "cert"}]}} for n in range(count)]
    return _annotated(volumes=_json([{"name": "external-system-mtls-data", "projected": {"sources": sources}}]))


def _misspelt(count: int) -> Grown:
    return _annotated(
        mounts=_json(
            [{"name": "external-system-mtls-data", "mountPath": "/x", **{f"mountPat{n}": 1 for n in range(count)}}]
        )
    )


ANNOTATION: dict[str, Grow] = {
    "scalar entries": lambda n: _annotated(mounts=_json([1] * n)),
    "empty entries": lambda n: _annotated(mounts=_json([{}] * n)),
    "unnamed mounts": lambda n: _annotated(mounts=_json([{"a": 1}] * n)),
    "unnamed volumes": lambda n: _annotated(volumes=_json([{"a": 1}] * n)),
    "mounts of one name": lambda n: _annotated(mounts=_json([{"name": "a", "mountPath": "/a"}] * n)),
    "mounts of one name, empty path": lambda n: _annotated(mounts=_json([{"name": "", "mountPath": ""}] * n)),
    "volumes of one name": lambda n: _annotated(volumes=_json([{"name": "a", "secret": {"secretName": "a"}}] * n)),
    "volumes of two sources": lambda n: _annotated(volumes=_json([{"name": "a", "secret": {}, "configMap": {}}] * n)),
    "volumes and mounts": _volumes,
    "volumes and mounts over the pod's": _both,
    "mounts as a map": lambda n: _annotated(mounts=_json({f"m{k}": {"mountPath": f"/m{k}"} for k in range(n)})),
    "mounts without volume": lambda n: _annotated(
        mounts=_json([{"name": f"m{k}", "mountPath": f"/m{k}"} for k in range(n)])
    ),
    "mounts of one path": lambda n: _annotated(
        mounts=_json([{"name": f"m{k}", "mountPath": "/etc/mtlsfiles"} for k in range(n)])
    ),
    "unknown fields of a mount": _misspelt,
    "deep mount paths": lambda n: _annotated(mounts=_json([{"name": "a", "mountPath": "/a" * n}])),
    "items": _items,
    "sources of a projected volume": _parts,
}
WORKLOAD: dict[str, Grow] = {
    "containers": _containers,
    "mounts of istio-proxy": _proxy,
    "mounts of the application": _application,
    "environment": _environment,
    "labels": _labels,
    "annotations of Istio": lambda n: _annotations(n, "sidecar.istio.io/userVolum"),
    "annotations of mtls-guard": lambda n: _annotations(n, "mtls-guard.io/inject"),
    "destinations": lambda n: _declared(n, "mtls-guard.io/destinations"),
    "client secrets": lambda n: _declared(n, "mtls-guard.io/client-secret"),
}
GROWN: Mapping[str, Grow] = {**ANNOTATION, **WORKLOAD, **ISTIO, **SECRET}
