"""`make cluster`: a real API server with Istio's CRDs and our chart, its replicas running, for a person to try."""

import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from examples import material
from examples.demo import WORKED
from rig.control_plane import ControlPlane, control_plane
from rig.installation import NAME, NAMESPACE, installed
from rig.parts import PARTS, PartMissing, have

TRY = {
    "kubectl apply -f examples/broken/mount-path.yaml": "denied, the mount is at another path than the rule reads",
    "kubectl apply -f examples/broken/trailing-comma.yaml": "denied, a comma too many",
    "kubectl apply -f examples/worked/deployment.yaml": "right",
    f"kubectl get pods -n {NAMESPACE} -o wide": "our replicas",
    f"helm test {NAME} -n {NAMESPACE}": "what a company would run after its own install",
    "mtls-guard doctor": "whether all is well",
}


def stay() -> int:
    """Starts all of it, says what to try, and stays until it is interrupted; the exit code."""
    begun = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        say(f"Having {', '.join(PARTS)}; what is not here yet is built, once, in about ten minutes ...")
        for part in PARTS:
            have(part)
        with control_plane() as cluster:
            say("etcd, kube-apiserver and kube-controller-manager are ready; Istio's CRDs and our chart ...")
            cluster.apply_istio_crds()
            with installed(cluster):
                _worked(cluster)
                say(f"Ready after {time.monotonic() - begun:.0f} s. In another terminal, in this folder:\n")
                _show(cluster)
                threading.Event().wait()
    except PartMissing as error:
        print(f"make cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nGone, with everything that was in it.")
    return 0


def say(text: str) -> None:
    """Tells how it goes, at once also through a pipe."""
    print(text, flush=True)


def _worked(cluster: ControlPlane) -> None:
    """The worked example but for its Deployment: namespaces, Secrets, Istio's objects."""
    cluster.kubectl("apply", "-f", str(WORKED / "namespaces.yaml"))
    file = cluster.folder / "secrets.json"
    material.write_secrets(file, material.secrets(datetime.now(UTC)))
    cluster.kubectl("apply", "-f", str(file), "-f", str(WORKED / "istio.yaml"))


def _show(cluster: ControlPlane) -> None:
    """The lines to type, as they stand in the README; links keep the first one short."""
    programs, access = cluster.folder / "bin", cluster.folder / "kubeconfig"
    programs.mkdir()
    for name in ("kubectl", "helm"):
        (programs / name).symlink_to(have(name))
    (programs / "mtls-guard").symlink_to(Path(sys.prefix) / "bin" / "mtls-guard")
    access.symlink_to(cluster.kubeconfig)
    say(f"  export PATH={programs}:$PATH KUBECONFIG={access}")
    for command, what in TRY.items():
        say(f"  {command:<54}# {what}")
    say("")
    say(f"Logs of everything are in {cluster.folder}/*.log; pod-*.log are our replicas'. Ctrl-C ends it.")
