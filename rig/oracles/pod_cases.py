"""Generates Pods: annotations right and wrong, volumes of the pod's own, an istio-proxy of its own, switches of Istio.

Most entries are sound, so that what follows from them is compared too; in one case of three every part may be odd.
"""

import json
from collections.abc import Iterator
from random import Random

from rig.oracles.asking import Json
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT

NAMES = ("certs", "ca", "client", "app-data", "0", "1")
ISTIO_NAMES = ("workload-socket", "credential-socket", "workload-certs", "istiod-ca-cert", "istio-ca-crl", "istio-data")
ODD_NAMES = ("", "My_Certs", "a" * 64, "a.b", None, 7, "-a", "app_data")
PATHS = ("/etc/mtlsfiles", "/etc/ca", "/etc/mtlsfiles/ca", "etc/relative", "/etc/mtlsfiles/", "/c", "/c/./d", "/")
ISTIO_PATHS = ("/etc/istio/proxy", "/var/run/secrets/istio", "/var/run/secrets/tokens", "/etc/istio/pod/")
ODD_PATHS = ("", None, 5, "/a:b", "..", "/etc/../c")
KEYS = ("cert", "key", "cacert", "ca.crt", "tls.crt")
SWITCHES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("inject.istio.io/templates", ("sidecar", "gateway", "grpc-agent", "sidecar,gateway", " sidecar ", "nope", "")),
    ("sidecar.istio.io/nativeSidecar", ("true", "false")),
    ("sidecar.istio.io/bootstrapOverride", ("bootstrap",)),
    ("sidecar.istio.io/interceptionMode", ("TPROXY", "REDIRECT")),
    ("sidecar.istio.io/capNetBindService", ("true", "false")),
    ("sidecar.istio.io/inject", ("true", "false", "maybe")),
)


def pod_cases(seed: int, count: int) -> Iterator[Json]:
    """So many Pods in an injected namespace, the same ones for the same seed."""
    for number in range(count):
        yield _Maker(Random(f"pods {seed} {number}")).case()  # noqa: S311  cases, no secrets


class _Maker:
    """Makes one case. odd: how likely each part is to be wrong."""

    def __init__(self, dice: Random, odd: float | None = None) -> None:
        self.dice = dice
        self.odd = dice.choice((0.0, 0.02, 0.02, 0.25)) if odd is None else odd
        self.held: list[str] = []

    def maybe(self, chance: float) -> bool:
        return self.dice.random() < chance

    def case(self) -> Json:
        annotations = {name: self.dice.choice(values) for name, values in SWITCHES if self.maybe(0.08)}
        spec = self.spec()
        volumes = [self.volume() for _ in range(self.dice.randrange(4))]
        self.held = [str(one.get("name")) for one in (*volumes, *spec["volumes"])] or list(NAMES)
        if self.maybe(0.95):
            annotations[USER_VOLUME] = self.written(volumes)
        if self.maybe(0.9):
            annotations[USER_VOLUME_MOUNT] = self.written([self.mount() for _ in range(self.dice.randrange(4))])
        labels = {"sidecar.istio.io/inject": self.dice.choice(("true", "false", "no"))} if self.maybe(0.05) else {}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "app", "annotations": annotations, "labels": labels},
            "spec": spec,
        }
        return {"namespace": "devel", "native": self.maybe(0.5), "pod": pod}

    def spec(self) -> Json:
        sound = _Maker(self.dice, odd=0)
        volumes = [{"name": name, **sound.source()} for name in NAMES[2:4] if self.maybe(0.3)]
        app: Json = {"name": "app", "image": "app", "volumeMounts": []}
        app["volumeMounts"] = [{"name": one["name"], "mountPath": f"/app/{one['name']}"} for one in volumes]
        spec: Json = {"containers": [app], "volumes": volumes}
        if self.maybe(0.15):
            listed = "initContainers" if self.maybe(0.3) else "containers"
            spec.setdefault(listed, []).append(self.own([one["name"] for one in volumes], listed))
        if self.maybe(0.05):
            spec["automountServiceAccountToken"] = self.maybe(0.5)
        if self.maybe(0.02):
            spec["hostNetwork"] = True
        return spec

    def own(self, names: list[str], listed: str) -> Json:
        """An istio-proxy that the pod writes itself, to be completed by Istio."""
        named = [*names, "certs"]
        mounts = [{"name": self.dice.choice(named), "mountPath": path} for path in PATHS[:3] if self.maybe(0.4)]
        own: Json = {"name": "istio-proxy", "image": "auto", "volumeMounts": mounts}
        if self.maybe(0.3):
            own["securityContext"] = {"runAsUser": self.dice.choice((0, 1337, 2000))}
        if listed == "initContainers":
            own["restartPolicy"] = "Always"
        return own

    def written(self, entries: list[Json]) -> str:
        """The annotation's text: a list, a map, or something that a person got wrong."""
        value: object = entries
        if self.maybe(0.25):
            value = {str(one.get("name", index)): self.unnamed(one) for index, one in enumerate(entries)}
        if self.maybe(self.odd / 3):
            value = self.dice.choice((None, [], {}, [*entries[:1], None], [[]], "x", 3, True, (entries or [{}])[0]))
        text = json.dumps(value, indent=self.dice.choice((None, 2)), ensure_ascii=self.maybe(0.5))
        return self.broken(text) if self.maybe(self.odd / 3) else text

    def unnamed(self, entry: Json) -> Json:
        return entry if self.maybe(0.1) else {key: one for key, one in entry.items() if key != "name"}

    def broken(self, text: str) -> str:
        at = self.dice.randrange(len(text) + 1)
        return self.dice.choice(
            (
                text.replace('"', "'"),
                text[:at],
                text[:at] + self.dice.choice(',]}"0\\\n\t ') + text[at:],
                json.dumps(text),
                "",
                text.replace("}", ",}"),
                text.replace(": ", "=", 1),
                f"{text} # by hand",
                text.replace("420", "0420"),
            )
        )

    def name(self) -> object:
        if self.maybe(self.odd / 2):
            return self.dice.choice(ODD_NAMES)
        return self.dice.choice(ISTIO_NAMES if self.maybe(0.03) else NAMES)

    def volume(self) -> Json:
        entry = {"name": self.name(), **self.source()}
        return self.mangled(entry, ("secrets", "secretName", "optional", "defaultMode", "mountPath", "Name"))

    def mount(self) -> Json:
        name = self.name() if self.maybe(0.1) else self.dice.choice(self.held)
        entry: Json = {"name": name, "mountPath": self.path()}
        if self.maybe(0.3):
            entry["readOnly"] = self.maybe(0.8)
        if self.maybe(0.2):
            entry[self.dice.choice(("subPath", "subPath", "subPathExpr"))] = self.dice.choice((*KEYS, "a/b"))
        if self.maybe(self.odd / 3):
            entry["subPath"] = self.dice.choice(("/abs", "../up", 3))
        return self.mangled(entry, ("path", "volume", "secret", "mode"))

    def path(self) -> object:
        if self.maybe(self.odd / 2):
            return self.dice.choice(ODD_PATHS)
        return self.dice.choice(ISTIO_PATHS if self.maybe(0.03) else PATHS)

    def mangled(self, entry: Json, unknown: tuple[str, ...]) -> Json:
        """The entry, perhaps without a field, with one too many, or with one in another case."""
        if not self.maybe(self.odd):
            return entry
        key = self.dice.choice(list(entry))
        changed = {one: value for one, value in entry.items() if one != key}
        turn = self.dice.randrange(4)
        if turn == 1:
            changed[self.dice.choice((key.lower(), key.upper(), key.capitalize()))] = entry[key]
        elif turn == 2:
            changed[self.dice.choice(unknown)] = entry[key]
        elif turn == 3:
            changed[key] = self.dice.choice((None, "x", 1, True, [], {}, 1.0, 0.5, 10**20))
        return changed

    def source(self) -> Json:
        kind = self.dice.choice(("secret", "secret", "secret", "configMap", "projected", "emptyDir", "csi", "hostPath"))
        if kind == "projected":
            return {
                kind: {
                    "sources": [self.part() for _ in range(self.dice.randrange(1, 3) if self.odd else 1)],
                    **self.mode(),
                }
            }
        fields: dict[str, Json] = {
            "secret": {"secretName": "external", **self.mode(), **self.keyed()},
            "configMap": {"name": "bundle", **self.mode(), **self.keyed()},
            "emptyDir": {},
            "csi": {"driver": "csi.cert-manager.io"},
            "hostPath": {"path": "/etc/pki"},
        }
        source = {kind: self.mangled(fields[kind], ("name", "secretName", "mode")) if fields[kind] else {}}
        return {**source, "emptyDir": {}} if self.maybe(self.odd / 4) else source

    def part(self) -> Json:
        kind = self.dice.choice(("secret", "configMap", "downwardAPI", "serviceAccountToken"))
        fields: dict[str, Json] = {
            "secret": {"name": "external", **self.keyed()},
            "configMap": {"name": "bundle", **self.keyed()},
            "downwardAPI": {
                "items": [
                    {
                        "path": self.dice.choice(("labels", "pod/labels", "ca")),
                        "fieldRef": {"fieldPath": "metadata.labels"},
                    }
                ]
            },
            "serviceAccountToken": {"path": self.dice.choice(("token", "tokens/istio"))},
        }
        return {kind: self.mangled(fields[kind], ("secretName", "optional"))}

    def mode(self) -> Json:
        return {"defaultMode": self.dice.choice((256, 292, 420, 0, 511))} if self.maybe(0.3) else {}

    def keyed(self) -> Json:
        fields: Json = {"optional": self.maybe(0.5)} if self.maybe(0.2) else {}
        if self.maybe(0.25):
            fields["items"] = [self.item() for _ in range(self.dice.randrange(3 if self.odd else 2))]
        return fields

    def item(self) -> Json:
        item: Json = {"key": self.dice.choice(KEYS), "path": self.dice.choice(("client.pem", "tls/key.pem", "ca"))}
        if self.maybe(0.2):
            item["mode"] = self.dice.choice((256, 420))
        return self.mangled(item, ("name", "defaultMode"))
