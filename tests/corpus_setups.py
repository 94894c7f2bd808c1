"""Setups found in public, as files of tests/corpus: how one is read, and what mtls-guard answers to it.

`python -m tests.corpus_setups NAME...` prints the findings of these files, as they are written into them.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.test_cases import REVIEWED, Lines, ask, by_helm, said, viewing
from tests.worked import Object, objects
from webhook.engine import judge_state
from webhook.examples import AT
from webhook.kinds.producer import KINDS
from webhook.model.finding import Severity, Verdict
from webhook.policy import Policy
from webhook.view import Snapshot

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Setup:
    """One setup; README.md beside the files explains the fields."""

    name: str
    what: str
    source: str
    differs: str
    form: str
    objects: str
    complete: bool = True
    broken: Mapping[str, str] = field(default_factory=dict)
    check: Lines = field(default_factory=dict)
    last: Lines = field(default_factory=dict)
    denied: Sequence[str] = ()

    def parts(self) -> list[Object]:
        """The objects, with certificates in them."""
        return list(objects(self.objects))

    def subjects(self) -> list[Object]:
        """Those of them that the webhook reviews."""
        return [manifest for manifest in self.parts() if manifest["kind"] in REVIEWED]


def setups() -> Iterator[Setup]:
    """All of them."""
    for file in sorted(FOLDER.glob("*.yaml")):
        yield Setup(file.stem, **yaml.safe_load(file.read_text(encoding="utf-8")))


def cluster_of(existing: Sequence[Object]) -> Snapshot:
    """A cluster in which these objects exist, and in which the kinds that produce Secrets are served."""
    view = viewing(existing)
    view.made.serve(kind.key for kind in KINDS)
    return view


def checked(setup: Setup) -> list[Verdict]:
    """The verdicts of `check`, with --complete if the setup is complete."""
    view = viewing(setup.parts())
    view.complete = setup.complete
    return list(judge_state(view, Policy(), AT))


def coming_last(setup: Setup) -> Iterator[Verdict]:
    """The verdict on each object, when it comes last; what an incomplete setup lacks may follow, as with Helm."""
    parts = setup.parts()
    for subject in setup.subjects():
        others = [other for other in parts if other != subject]
        view = viewing(others) if setup.complete else cluster_of(others)
        yield ask(view, subject, tool="" if setup.complete else "helm")


def in_helms_order(setup: Setup, tool: str) -> Iterator[Verdict]:
    """The verdict on each object, when a tool sends all of them in Helm's order."""
    view = cluster_of([])
    for manifest in sorted(setup.parts(), key=by_helm):
        yield ask(view, manifest, tool=tool)
        view.put(manifest)


def denying(verdicts: Iterator[Verdict]) -> dict[str, set[str]]:
    """The rules that deny, by the object that they deny."""
    denied = (
        (str(verdict.subject), {found.rule for found in verdict.findings if found.severity is Severity.DENY})
        for verdict in verdicts
    )
    return {subject: rules for subject, rules in denied if rules}


def recorded(setup: Setup) -> str:
    """What the file is to say about the findings, as YAML."""
    check, last = said(iter(checked(setup))), said(coming_last(setup))
    found = {"check": check, "last": last, "denied": sorted(denying(coming_last(setup)))}
    return yaml.safe_dump({key: value for key, value in found.items() if value}, width=10**6, sort_keys=False)


if __name__ == "__main__":
    for setup in setups():
        if setup.name in sys.argv[1:]:
            sys.stdout.write(recorded(setup))
