"""Reads Istio's own ConfigMaps and webhook configurations into Mesh; what cannot be read stays as it was.

The only reader with YAML inside YAML: the ConfigMaps hold whole documents as text. Leaves what the settings decide to
`istio`. Field names: Istio 1.31 api/mesh/v1alpha1/config.proto and the istio-discovery chart.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.limits import CONFIG_MAP
from webhook.kinds.tls_settings import read_tls
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Mesh
from webhook.model.raw_object import Manifest, dig, mapping, sequence, text, texts, words
from webhook.model.source_location import UnreadSettings

_DEFAULT = Mesh()
_NAMESPACE = ("metadata", "namespace")
_INJECTOR = "sidecar-injector.istio.io"
_REVISION = "istio.io/rev"


def read_mesh(mesh_config: Manifest | None, injector_config: Manifest | None, base: Mesh = _DEFAULT) -> Mesh:
    """The mesh's settings: `base`, with what ConfigMap `istio` (key mesh) and the injector's ConfigMap say.

    mesh_config: the raw ConfigMap `istio` or `istio-REVISION`. injector_config: `istio-sidecar-injector[-REVISION]`,
    keys `config` (YAML) and `values` (JSON). None, or text that cannot be read, changes nothing; see `Mesh.unread`.
    """
    decoder = _Decoder()
    mesh = base
    if mesh_config is not None:
        mesh = _with_mesh_config(mesh, decoder.yaml(mesh_config, "mesh"), text(dig(mesh_config, *_NAMESPACE)))
    if injector_config is not None:
        mesh = _with_injector(mesh, mapping(decoder.yaml(injector_config, "config")))
        mesh = _with_values(mesh, mapping(decoder.json(injector_config, "values")))
    return replace(mesh, unread=tuple(decoder.unread)) if decoder.unread else mesh


def read_revisions(configurations: Iterable[Manifest]) -> frozenset[str]:
    """Revisions and tags that inject, as the selectors of the MutatingWebhookConfigurations name them.

    `default` is among them when something injects namespaces that carry `istio-injection=enabled`.
    """
    revisions: set[str] = set()
    for configuration in configurations:
        for webhook in sequence(configuration.get("webhooks")):
            if text(dig(webhook, "name")).endswith(_INJECTOR):
                revisions |= _revisions_of(webhook)
    return frozenset(revisions)


def read_config_revisions(configurations: Iterable[Manifest]) -> frozenset[str]:
    """The revisions whose ConfigMaps (`istio-REVISION`) count: of a tag, which has none, the one that it stands for.

    Source: label istio.io/rev in revision-tags-mwc.yaml of the istio-discovery chart, and of `istioctl tag set`.
    """
    revisions: set[str] = set()
    for configuration in configurations:
        named = read_revisions((configuration,))
        revision = texts(dig(configuration, "metadata", "labels")).get(_REVISION, "")
        revisions |= ({revision} if revision else named) if named else set()
    return frozenset(revisions)


def _revisions_of(webhook: object) -> set[str]:
    revisions: set[str] = set()
    for selector in ("namespaceSelector", "objectSelector"):
        for expression in sequence(dig(webhook, selector, "matchExpressions")):
            if text(dig(expression, "operator")) != "In":
                continue
            if text(dig(expression, "key")) == _REVISION:
                revisions.update(words(dig(expression, "values")))
            elif text(dig(expression, "key")) == "istio-injection":
                revisions.add("default")
        if _REVISION in (labels := texts(dig(webhook, selector, "matchLabels"))):
            revisions.add(labels[_REVISION])
    return revisions


def _with_mesh_config(base: Mesh, settings: object, own_namespace: str) -> Mesh:
    if not isinstance(settings, dict):
        return base
    proxy, outbound = mapping(settings.get("defaultConfig")), mapping(settings.get("outboundTrafficPolicy"))
    return replace(
        base,
        root_namespace=text(settings.get("rootNamespace")) or own_namespace or base.root_namespace,
        default_destination_rule_export_to=words(settings.get("defaultDestinationRuleExportTo")),
        default_service_export_to=words(settings.get("defaultServiceExportTo")),
        default_virtual_service_export_to=words(settings.get("defaultVirtualServiceExportTo")),
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
    setting = str(dig(values, "pilot", "env", name)).lower()
    return {"true": True, "false": False}.get(setting, otherwise)


def _version(tag: str) -> tuple[int, ...] | None:
    """`1.29.2-distroless` -> (1, 29, 2); None where the tag is no version."""
    parts = tag.removeprefix("v").partition("-")[0].split(".")
    numeric = all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts)
    return tuple(int(part) for part in parts) if numeric and len(parts) > 1 else None


def _selectors(value: object) -> tuple[Mapping[str, object], ...]:
    return tuple(entry for entry in sequence(value) if isinstance(entry, dict))


class _Decoder:
    """Reads the texts of ConfigMaps. unread: those that are larger than what is read, or are no YAML or JSON."""

    def __init__(self) -> None:
        self.unread: list[UnreadSettings] = []

    def yaml(self, config_map: Manifest, key: str) -> object:
        """The value of a key in YAML, None where it was not read."""
        from webhook.decoding.yaml_text import load_yaml

        return self._value(config_map, key, lambda document: load_yaml(document, CONFIG_MAP))

    def json(self, config_map: Manifest, key: str) -> object:
        """The value of a key in JSON, None where it was not read."""
        from webhook.decoding.json_text import load_json

        return self._value(config_map, key, lambda document: load_json(document) if document else None)

    def _value(self, config_map: Manifest, key: str, load: Callable[[str], object]) -> object:
        try:
            return load(text(dig(config_map, "data", key)))
        except InvalidDocument as fault:
            name = text(dig(config_map, "metadata", "name"))
            ref = ObjectRef("v1", "ConfigMap", text(dig(config_map, *_NAMESPACE)), name)
            self.unread.append(UnreadSettings(ref, key, fault.problem))
            return None
