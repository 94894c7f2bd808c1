"""Generates DestinationRules whose paths and names are their own, so that each tls block is told apart.

Few names, hosts and dates, so that rules meet: several for one host, in every namespace that may count, covered by
wildcards, exported or not, merged, selected.
"""

from random import Random

from rig.oracles.asking import Json

NETWORKING = "networking.istio.io/v1"
ROOT = "istio-system"
NAMESPACES = ("client", "project", "other", ROOT)
NAMES = ("api", "db")
DOMAIN = "svc.cluster.local"
HOSTS = ("external.system.com", "api.system.com", "system.com", "*.system.com", "*.com", f"api.project.{DOMAIN}")
RULE_HOSTS = (
    *HOSTS[:4],
    *HOSTS[:2],
    *(f"{name}.{namespace}.{DOMAIN}" for name in NAMES for namespace in NAMESPACES[:2]),
    *("api", "db", "api.project", "*", "*.com", f"*.{DOMAIN}", f"*.project.{DOMAIN}", "nowhere.com"),
)
DATES = tuple(f"2026-0{month}-01T00:00:00Z" for month in range(1, 10))
LABELS: tuple[dict[str, str], ...] = ({}, {"app": "a"}, {"app": "b"}, {"app": "a", "version": "v1"})
SUBSETS = ("v1", "v2")
PORTS = (80, 443, 8443, 9000, 8080)


class RuleMaker:
    """Makes DestinationRules. unvalidated: whether objects came past Istio's validating webhook."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.unvalidated = dice.random() < 0.1
        self.blocks = 0
        self.named: set[tuple[str, str, str]] = set()

    def maybe(self, chance: float) -> bool:
        """True with that chance."""
        return self.dice.random() < chance

    def some(self, most: int, least: int = 0) -> range:
        """So many turns, between least and most."""
        return range(self.dice.randint(least, most))

    def namespace(self) -> str:
        """Most often one of those that calls come from."""
        return self.dice.choice((*NAMESPACES, "client", "client", "project"))

    def object(self, kind: str, spec: Json, *, version: str = NETWORKING, name: str = "") -> Json:
        """The object in some namespace, under a name that no other of its kind has there.

        Of two ServiceEntries of one age in one namespace nobody knows which comes first: there are none.
        """
        while True:
            namespace, own = self.namespace(), name or f"{self.dice.choice('abcdef')}{self.dice.randrange(9)}"
            date = self.dice.choice(DATES)
            keys = {(kind, namespace, one) for one in ((own, date) if kind == "ServiceEntry" else (own,))}
            if not keys & self.named:
                break
        self.named |= keys
        meta: Json = {"name": own, "namespace": namespace, "creationTimestamp": date}
        if self.maybe(0.04):
            meta["labels"] = {"istio.io/rev": self.dice.choice(("default", "canary"))}
        return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}

    def export_to(self, *more: str) -> list[str]:
        """An exportTo; more: what else may stand in it alone."""
        choices = [
            ["*"],
            ["."],
            ["client"],
            ["project"],
            ["client", "project"],
            [".", "other"],
            *([one] for one in more),
        ]
        return self.dice.choice(choices)

    def rule(self) -> Json:
        """A DestinationRule."""
        spec: Json = {"host": self.dice.choice(RULE_HOSTS)}
        if self.maybe(0.85):
            spec["trafficPolicy"] = self.policy()
        if self.maybe(0.25):
            spec["subsets"] = [self.subset(name) for name in self.dice.sample(SUBSETS, self.dice.randint(1, 2))]
        if self.maybe(0.3):
            spec["exportTo"] = self.export_to()
        if self.maybe(0.2):
            labels = self.dice.choice(LABELS)
            spec["workloadSelector"] = {"matchLabels": labels} if labels or self.maybe(0.5) else {}
            spec["exportTo"] = ["."]
            if self.maybe(0.7):
                del spec["exportTo"]
        return self.object("DestinationRule", spec)

    def policy(self) -> Json:
        """A trafficPolicy that Istio's validation takes."""
        policy: Json = {}
        if self.maybe(0.8):
            policy["tls"] = self.tls()
        if self.maybe(0.25):
            ports = self.dice.sample(PORTS, self.dice.choice((1, 1, 2)))
            policy["portLevelSettings"] = [self.port(port) for port in ports]
        if not policy or self.maybe(0.2):
            policy["connectionPool"] = {"tcp": {"maxConnections": 10}}
        return policy

    def port(self, number: int) -> Json:
        """An entry of portLevelSettings."""
        entry: Json = {"port": {"number": number}}
        if self.maybe(0.7):
            return {**entry, "tls": self.tls()}
        return {**entry, "loadBalancer": {"simple": "ROUND_ROBIN"}}

    def subset(self, name: str) -> Json:
        """A subset, with or without labels and a policy of its own."""
        subset: Json = {"name": name, "labels": {} if self.maybe(0.4) else {"version": name}}
        if self.maybe(0.6):
            subset["trafficPolicy"] = self.policy()
        return subset

    def tls(self) -> Json:
        """A tls block; most are as Istio's validation wants them."""
        self.blocks += 1
        tls: Json = {}
        mode = self.dice.choice(("MUTUAL", "MUTUAL", "MUTUAL", "SIMPLE", "ISTIO_MUTUAL", "DISABLE", ""))
        if mode:
            tls["mode"] = mode
        if self.maybe(0.15):
            tls["credentialName"] = self.dice.choice(("client", "configmap://client/ca", "kubernetes://client"))
        else:
            tls |= self.files(mode)
        if self.maybe(0.15):
            tls["insecureSkipVerify"] = self.maybe(0.9)
            for key in ("caCertificates", "caCrl") if self.maybe(0.8) else ():
                tls.pop(key, None)
        elif self.maybe(0.4):
            tls["subjectAltNames"] = [f"name{self.blocks}.system.com"]
        if self.maybe(0.4):
            tls["sni"] = f"sni{self.blocks}.system.com"
        return tls

    def files(self, mode: str) -> Json:
        """The paths of a tls block, now and then odd ones."""
        base = f"/tls/{self.blocks}{self.dice.choice(('', '', '', '', '', '/', ' ', '~'))}"
        files = {
            "clientCertificate": f"{base}/cert",
            "privateKey": f"{base}/key",
            "caCertificates": self.dice.choice(
                (f"{base}/ca", f"{base}/ca", f"/ca/{self.blocks}", "system", "SYSTEM", "")
            ),
            "caCrl": self.dice.choice(("", "", f"{base}/crl")),
        }
        if mode == "SIMPLE" and self.maybe(0.8):
            del files["clientCertificate"], files["privateKey"]
        if self.unvalidated and self.maybe(0.2):
            files.pop(self.dice.choice(("clientCertificate", "privateKey")), None)
        return {key: path for key, path in files.items() if path}
