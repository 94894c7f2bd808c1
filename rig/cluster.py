"""`make cluster`: a real API server with Istio's CRDs and our chart, its replicas running, for a person to try."""

import signal
import sys
import threading
import time
from datetime import UTC, datetime

from examples import material
from examples.demo import WORKED
from rig.control_plane import ControlPlane, control_plane
from rig.installation import NAMESPACE, installed
from rig.parts import PARTS, PartMissing, have

TRY = (
    ("denied, the mount is at another path than the rule reads", "apply -f examples/broken/mount-path.yaml"),
    ("denied, a comma too many", "apply -f examples/broken/trailing-comma.yaml"),
    ("right", "apply -f examples/worked/deployment.yaml"),
    ("our replicas", f"get pods -n {NAMESPACE} -o wide"),
)


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
    """The lines to type; the links keep them short."""
    program, access = cluster.folder / "kubectl", cluster.folder / "kubeconfig"
    program.symlink_to(have("kubectl"))
    access.symlink_to(cluster.kubeconfig)
    for what, command in TRY:
        say(f"  KUBECONFIG={access} {program} {command}   # {what}")
    say("")
    say(f"Logs of everything are in {cluster.folder}/*.log; pod-*.log are our replicas'. Ctrl-C ends it.")
