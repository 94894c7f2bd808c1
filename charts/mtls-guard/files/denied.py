"""`helm test`: submits a Deployment that Istio could not inject, as a dry run, and wants to see it denied by us.

Runs in a Pod of the release's image with nothing but the standard library. Argument: the namespace to submit to.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATIENCE_SECONDS = 60
BROKEN = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "mtls-guard-test"},
    "spec": {
        "selector": {"matchLabels": {"app": "mtls-guard-test"}},
        "template": {
            "metadata": {
                "labels": {"app": "mtls-guard-test", "sidecar.istio.io/inject": "true"},
                "annotations": {"sidecar.istio.io/userVolume": "[{]"},
            },
            "spec": {"containers": [{"name": "none", "image": "none"}]},
        },
    },
}


def verifying() -> ssl.SSLContext:
    """Verifies the API server as client-go does: without VERIFY_X509_STRICT, which Python 3.13 sets by itself."""
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def submit(namespace: str) -> tuple[int, str]:
    """The API server's status and its text for a person."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    address = f"[{host}]" if ":" in host else host
    url = f"https://{address}:{port}/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
    token = (ACCOUNT / "token").read_text(encoding="utf-8")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(BROKEN).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, context=verifying(), timeout=30) as reply:
            return reply.status, "it was admitted"
    except urllib.error.HTTPError as refusal:
        return refusal.code, str(json.load(refusal).get("message", ""))


def main(namespace: str) -> int:
    """0 once the Deployment was denied by us, else 1."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            status, text = submit(namespace)
        except OSError as error:
            status, text = 0, str(error)
        if status == 403 and "mtls-guard.io" in text:
            print(f"denied, as it should be:\n{text}")
            return 0
        if time.monotonic() > end:
            print(f"NOT denied by mtls-guard: {status} {text}", file=sys.stderr)
            return 1
        time.sleep(2)


sys.exit(main(sys.argv[1]))
