"""Reads Istio's own ConfigMaps and webhook configurations into Mesh; what cannot be read stays as it was.

The only reader with YAML inside YAML: the ConfigMaps hold whole documents as text. Leaves what the settings decide to
`istio`. Field names: Istio 1.32 api/mesh/v1alpha1/config.proto and the istio-discovery chart.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from webhook.kinds.tls_settings import read_tls
from webhook.model.manifest import Manifest, dig, mapping, sequence, text, texts, words
from webhook.model.mesh import Mesh

_DEFAULT = Mesh()
_MAX_TEXT_CHARS = 1 << 21
_MAX_DEPTH = 100
_INJECTOR = "sidecar-injector.istio.io"
_REVISION = "istio.io/rev"


def read_mesh(mesh_config: Manifest | None, injector_config: Manifest | None, base: Mesh = _DEFAULT) -> Mesh:
    """The mesh's settings: `base`, with what ConfigMap `istio` (key mesh) and the injector's ConfigMap say.

    mesh_config: the raw ConfigMap `istio` or `istio-REVISION`. injector_config: `istio-sidecar-injector[-REVISION]`,
    keys `config` (YAML) and `values` (JSON). None, or text that is no YAML, changes nothing.
    """
    mesh = _with_mesh_config(base, mesh_config) if mesh_config is not None else base
    if injector_config is None:
        return mesh
    mesh = _with_injector(mesh, mapping(_yaml(dig(injector_config, "data", "config"))))
    return _with_values(mesh, mapping(_json(dig(injector_config, "data", "values"))))


def read_revisions(configurations: Iterable[Manifest]) -> frozenset[str]:
    """Revisions and tags that inject, as the selectors of the MutatingWebhookConfigurations name them.

    `default` is among them when something injects namespaces that carry `istio-injection=enabled`.
    """
    found: set[str] = set()
    for configuration in configurations:
        for webhook in sequence(configuration.get("webhooks")):
            if text(dig(webhook, "name")).endswith(_INJECTOR):
                found |= _revisions_of(webhook)
    return frozenset(found)


def _revisions_of(webhook: object) -> set[str]:
    found: set[str] = set()
    for selector in ("namespaceSelector", "objectSelector"):
        for wanted in sequence(dig(webhook, selector, "matchExpressions")):
            if text(dig(wanted, "operator")) != "In":
                continue
            if text(dig(wanted, "key")) == _REVISION:
                found.update(words(dig(wanted, "values")))
            elif text(dig(wanted, "key")) == "istio-injection":
                found.add("default")
        if _REVISION in (labels := texts(dig(webhook, selector, "matchLabels"))):
            found.add(labels[_REVISION])
    return found


def _with_mesh_config(base: Mesh, config_map: Manifest) -> Mesh:
    found = _yaml(dig(config_map, "data", "mesh"))
    if not isinstance(found, dict):
        return base
    proxy, outbound = mapping(found.get("defaultConfig")), mapping(found.get("outboundTrafficPolicy"))
    own_namespace = text(dig(config_map, "metadata", "namespace"))
    return replace(
        base,
        root_namespace=text(found.get("rootNamespace")) or own_namespace or base.root_namespace,
        default_destination_rule_export_to=words(found.get("defaultDestinationRuleExportTo")),
        default_service_export_to=words(found.get("defaultServiceExportTo")),
        default_virtual_service_export_to=words(found.get("defaultVirtualServiceExportTo")),
        outbound_mode=text(outbound.get("mode")) or base.outbound_mode,
        outbound_tls=read_tls(outbound.get("tls"), "outboundTrafficPolicy.tls"),
        proxy_metadata=texts(proxy.get("proxyMetadata")),
        interception_mode=text(proxy.get("interceptionMode")) or base.interception_mode,
    )


def _with_injector(base: Mesh, config: Mapping[str, Any]) -> Mesh:
    aliases: Mapping[Any, Any] = mapping(config.get("aliases"))
    templates: Mapping[Any, Any] = mapping(config.get("templates"))
    return replace(
        base,
        inject_policy=text(config.get("policy")) or base.inject_policy,
        never_inject=_selectors(config.get("neverInjectSelector")),
        always_inject=_selectors(config.get("alwaysInjectSelector")),
        default_templates=words(config.get("defaultTemplates")) or base.default_templates,
        templates=frozenset(key for key in templates if isinstance(key, str)) or base.templates,
        aliases={key: words(value) for key, value in aliases.items() if isinstance(key, str)},
    )


def _with_values(base: Mesh, values: Mapping[str, Any]) -> Mesh:
    spread = dig(values, "sidecarInjectorWebhook", "enableNamespacesByDefault")
    return replace(
        base,
        cluster_domain=text(dig(values, "global", "proxy", "clusterDomain")) or base.cluster_domain,
        enable_namespaces_by_default=spread if isinstance(spread, bool) else base.enable_namespaces_by_default,
        native_sidecars=_switch(values, "ENABLE_NATIVE_SIDECARS", base.native_sidecars),
        crl_in_every_sidecar=_switch(values, "PILOT_ENABLE_CA_CRL", base.crl_in_every_sidecar) is not False,
        version=_version(text(dig(values, "global", "tag"))) or base.version,
    )


def _switch(values: Mapping[str, Any], name: str, otherwise: bool | None) -> bool | None:  # noqa: FBT001  # three values
    said = str(dig(values, "pilot", "env", name)).lower()
    return {"true": True, "false": False}.get(said, otherwise)


def _version(tag: str) -> tuple[int, ...] | None:
    """`1.29.2-distroless` -> (1, 29, 2); None where the tag is no version."""
    parts = tag.removeprefix("v").partition("-")[0].split(".")
    known = all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts)
    return tuple(int(part) for part in parts) if known and len(parts) > 1 else None


def _selectors(value: object) -> tuple[Mapping[str, object], ...]:
    return tuple(entry for entry in sequence(value) if isinstance(entry, dict))


def _json(value: object) -> object:
    written = text(value)
    try:
        return json.loads(written) if len(written) <= _MAX_TEXT_CHARS else None
    except (ValueError, RecursionError):
        return None


def _yaml(value: object) -> object:
    written = text(value)
    if not written or len(written) > _MAX_TEXT_CHARS:
        return None
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        deep = _deepest(yaml.parse(written, Loader=loader)) > _MAX_DEPTH
        return None if deep else yaml.load(written, Loader=loader)  # noqa: S506  # both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _deepest(events: Iterable[object]) -> int:
    """How deep the lists and maps of a YAML text nest, counted no further than needed: the C loader recurses."""
    depth = deepest = 0
    for event in events:
        name = type(event).__name__
        depth += name in ("SequenceStartEvent", "MappingStartEvent")
        depth -= name in ("SequenceEndEvent", "MappingEndEvent")
        deepest = max(deepest, depth)
        if deepest > _MAX_DEPTH:
            break
    return deepest
