"""The objects of a cell: its namespace, two Secrets, a ServiceEntry, a DestinationRule and the workload."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from certs.encode import cert_pem, key_pem
from certs.issue import Dates, Issued, Profile, make_ca, make_leaf
from prove.injection.cells import Cell, State
from webhook.kinds.opt_in_annotations import CLIENT_SECRET, INJECT

Object = dict[str, Any]
OTHER, WANTS = "matrix.example/other", "matrix.example/wants"
"""The label of a namespace that selects the other webhook, and the annotation from which it makes an opt-in."""
RUN = "matrix.example/run"
NAME = "app"
CLAIM = "one"
"""The volume claim of a StatefulSet has the name of a Secret."""
HOST = "external.partner.example"
ISTIO = "networking.istio.io/v1"
FIELDS = {"clientCertificate": "cert", "privateKey": "key", "caCertificates": "cacert"}
ALLOWS = {"mtls-guard.io/allow-interruption": "true"}


def namespace(cell: Cell) -> Object:
    """Its namespace."""
    labels = {"istio-injection": "enabled", **({OTHER: cell.label} if cell.label else {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cell.team, "labels": labels}}


def around(cell: Cell, state: State) -> Iterator[Object]:
    """What is there before the workload."""
    for name in ("one", "two"):
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": _meta(cell, name), "data": dict(_material(name))}
    port = {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}
    spec = {"hosts": [HOST], "exportTo": ["."], "location": "MESH_EXTERNAL", "resolution": "DNS", "ports": [port]}
    yield {"apiVersion": ISTIO, "kind": "ServiceEntry", "metadata": _meta(cell), "spec": spec}
    yield destination_rule(cell, state)


def destination_rule(cell: Cell, state: State) -> Object:
    """The DestinationRule of a state, for the namespace of the cell only."""
    annotations = {
        **({CLIENT_SECRET: state.rule_secret} if state.rule_secret else {}),
        **(ALLOWS if state.interruption else {}),
    }
    files = {field: f"{state.folder}/{name}" for field, name in FIELDS.items()}
    tls = {"mode": "MUTUAL", "sni": HOST, "subjectAltNames": [HOST], **files}
    spec = {"host": HOST, "exportTo": ["."], "trafficPolicy": {"tls": tls}}
    metadata = {**_meta(cell), "annotations": annotations}
    return {"apiVersion": ISTIO, "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def _meta(cell: Cell, name: str = NAME) -> Object:
    return {"name": name, "namespace": cell.team}


@lru_cache(maxsize=1)
def authority() -> Issued:
    """Who issues the certificates of both Secrets, and the partner's."""
    return make_ca(Dates.around(datetime.now(UTC)))


@lru_cache
def _material(name: str) -> dict[str, str]:
    """The three files of a client that is called as its Secret."""
    client = make_leaf(authority(), Dates.around(datetime.now(UTC)), Profile(name))
    files = {"cert": cert_pem(client), "key": key_pem(client), "cacert": cert_pem(authority())}
    return {key: b64encode(value).decode() for key, value in files.items()}


def workload(cell: Cell, state: State, run: int = 1) -> Object:
    """The workload of a state; a Job's name has the number of its run."""
    made = MAKERS[cell.kind](cell, state)
    if cell.kind == "Job":
        made["metadata"]["name"] = f"{NAME}-{run}"
    return made


def annotations(cell: Cell, state: State) -> dict[str, str]:
    """Those of the Pod or the template; where the other webhook opts in, what it makes that of."""
    wanted = state.secret or ("true" if state.inject == "true" else "")
    declined = {INJECT: "false"} if state.inject == "false" else {}
    if cell.variant == "opts in":
        return {**({WANTS: wanted} if wanted else {}), **declined}
    if state.secret:
        return {CLIENT_SECRET: state.secret, **declined}
    return {INJECT: state.inject} if state.inject else {}


def _template(cell: Cell, state: State) -> Object:
    meta = {"labels": {"app": NAME}, "annotations": annotations(cell, state)}
    return {"metadata": meta, "spec": {"containers": [{"name": "app", "image": "app"}]}}


def _pod(cell: Cell, state: State) -> Object:
    template = _template(cell, state)
    meta = {**_meta(cell), **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def _apps(cell: Cell, state: State, kind: str) -> Object:
    spec = {"selector": {"matchLabels": {"app": NAME}}, "template": _template(cell, state)}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _meta(cell), "spec": spec}


def _deployment(cell: Cell, state: State) -> Object:
    return _apps(cell, state, "Deployment")


def _daemon_set(cell: Cell, state: State) -> Object:
    made = _apps(cell, state, "DaemonSet")
    made["spec"]["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]
    return made


def _stateful_set(cell: Cell, state: State) -> Object:
    made = _apps(cell, state, "StatefulSet")
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    made["spec"] |= {
        "serviceName": NAME,
        "podManagementPolicy": "Parallel",
        "volumeClaimTemplates": [{"metadata": {"name": CLAIM}, "spec": claim}],
    }
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["volumeMounts"] = [{"name": CLAIM, "mountPath": "/var/claim"}]
    return made


def _gateway(cell: Cell, state: State) -> Object:
    made = _apps(cell, state, "Deployment")
    template = made["spec"]["template"]
    template["metadata"]["annotations"]["inject.istio.io/templates"] = "gateway"
    template["metadata"]["labels"]["sidecar.istio.io/inject"] = "true"
    template["spec"]["containers"] = [{"name": "istio-proxy", "image": "auto"}]
    return made


def _job(cell: Cell, state: State) -> Object:
    template = _template(cell, state)
    template["spec"]["restartPolicy"] = "Never"
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _meta(cell), "spec": {"template": template}}


def _cron_job(cell: Cell, state: State) -> Object:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": _job(cell, state)["spec"]}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": _meta(cell), "spec": spec}


MAKERS = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _pod,
    "gateway": _gateway,
}


def restarted(manifest: Object, run: int) -> Object:
    """The workload as `kubectl rollout restart` leaves it: an annotation of its template is another."""
    manifest["spec"]["template"]["metadata"]["annotations"][RUN] = str(run)
    return manifest


def run_of(stored: Object, run: int) -> Object:
    """The Job that `kubectl create job --from` makes of a stored CronJob."""
    source = stored["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": source["name"], "uid": source["uid"]}
    metadata = {
        "name": f"{NAME}-{run}",
        "namespace": source["namespace"],
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [{**owner, "controller": True}],
    }
    spec = stored["spec"]["jobTemplate"]["spec"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
