"""The cells of the matrix: kind of workload, mode of injection, other mutating webhook, change; what each asks for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "gateway")
MODES = ("Pods", "Templates")
PLACES = ("before", "between", "after")
VARIANTS = ("opts in", "drops", "overwrites", "adds a volume")
NONE = "none"
OTHERS = (NONE, *(f"{place}, {variant}" for place, variant in product(PLACES, VARIANTS)))
KEYS = ("cert", "key", "cacert")
"""The data keys of both Secrets, and the file names of the DestinationRule."""
BEFORE, AFTER = "/etc/c", "/etc/d"
Files = dict[str, tuple[str, str]]
"""The path of a file in the sidecar -> its Secret and data key."""


@dataclass(frozen=True, slots=True)
class State:
    """What the objects of a cell say. secret, inject: of the workload; rule_secret, folder: of the DestinationRule.

    interruption: whether the DestinationRule accepts one.
    """

    secret: str = "one"
    inject: str = ""
    rule_secret: str = ""
    folder: str = BEFORE
    interruption: bool = False

    @property
    def files(self) -> Files:
        """What the sidecar of a new Pod has to read."""
        named = self.secret or (self.rule_secret if self.inject == "true" else "")
        if not named or self.inject == "false":
            return {}
        return {f"{self.folder}/{key}": (named, key) for key in KEYS}


ASKS, ASKS_ITS_RULE = State(), State(secret="", inject="true", rule_secret="one")


@dataclass(frozen=True, slots=True)
class Change:
    """A change by its name. before, after: the states; target: what is applied, the workload or the DestinationRule."""

    name: str
    before: State = ASKS
    after: State = ASKS
    target: str = ""


CREATE, SWITCH = Change("created"), Change("mode switched")
CHANGES = (
    CREATE,
    Change("opt-in names another Secret", after=replace(ASKS, secret="two"), target="workload"),
    Change('opted out: `inject: "false"`', after=replace(ASKS, inject="false"), target="workload"),
    Change("opt-in removed", after=replace(ASKS, secret=""), target="workload"),
    Change("DestinationRule moved", after=replace(ASKS, folder=AFTER), target="DestinationRule"),
    Change(
        "Secret renamed in the DestinationRule",
        before=ASKS_ITS_RULE,
        after=replace(ASKS_ITS_RULE, rule_secret="two"),
        target="DestinationRule",
    ),
    SWITCH,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the matrix."""

    mode: str
    other: str
    change: Change
    kind: str

    def __str__(self) -> str:
        """Its coordinates."""
        return f"{self.kind} | {self.mode} | {self.other} | {self.change.name}"

    @property
    def team(self) -> str:
        """Its namespace."""
        parts = (MODES.index(self.mode), OTHERS.index(self.other), CHANGES.index(self.change), self.kind.lower())
        return "-".join(("cell", *map(str, parts)))

    @property
    def place(self) -> str:
        """Where the other webhook is called; empty where there is none."""
        return self.other.partition(", ")[0] if self.other != NONE else ""

    @property
    def variant(self) -> str:
        """What the other webhook does."""
        return self.other.partition(", ")[2]

    @property
    def label(self) -> str:
        """The value of the namespace's label that selects the other webhook."""
        return f"{self.mode}-{self.place}-{VARIANTS.index(self.variant)}".lower() if self.place else ""


def cells(kinds: list[str], modes: list[str], others: list[str], changes: list[str]) -> Iterator[Cell]:
    """Those of the named values; all of a dimension of which none is named."""
    chosen = [one for one in CHANGES if not changes or one.name in changes]
    for mode, other, change, kind in product(modes or MODES, others or OTHERS, chosen, kinds or KINDS):
        yield Cell(mode, other, change, kind)
