"""What happens to a Pod that runs while things change: rotation, a Secret that comes late, a rule that comes late.

Each story yields what requests came to, one after the other, without repetitions, and what that shall be.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import yaml

from certs.encode import cert_pem, key_pem
from certs.issue import Dates, Issued, Profile, make_ca, make_leaf
from examples.material import secret
from prove.cases import HOST, WORKED, Object
from prove.outcome import Kind, Outcome
from prove.sidecar import Running
from prove.stage import Stage
from rig.waiting import until

URL = f"http://{HOST}/"
NAME = "external-system-mtls-data"
SECONDS = 120
"""Until a change must have shown; on an idle machine each takes about two seconds."""
WATCH_SECONDS = 5.0
"""How long we look whether something stays."""


@dataclass(frozen=True, slots=True)
class Story:
    """What was told, what came of it in order, and what had to come."""

    title: str
    seen: tuple[Outcome, ...]
    expected: tuple[str, ...]

    @property
    def true(self) -> bool:
        """Whether it went as it had to. expected: the starts of the outcomes' texts."""
        return len(self.seen) == len(self.expected) and all(
            str(one).startswith(start) for one, start in zip(self.seen, self.expected, strict=True)
        )


class Teller:
    """The worked example, with a CA whose clients come and go."""

    def __init__(self, stage: Stage) -> None:
        """Begins with an empty stage."""
        self.stage = stage
        self.ca = make_ca(Dates.around(datetime.now(UTC)))
        self.seen: list[Outcome] = []
        stage.clear()
        stage.meet(self.ca, frozenset({HOST}))

    def client(self, name: str) -> Issued:
        """A client's certificate."""
        return make_leaf(self.ca, Dates.around(datetime.now(UTC)), Profile(name))

    def give(self, certificate: Issued, key: Issued | None = None) -> None:
        """Writes the Secret."""
        files = {"cert": cert_pem(certificate), "key": key_pem(key or certificate), "cacert": cert_pem(self.ca)}
        self.stage.put(secret(NAME, files))

    def rules(self, change: Callable[[str], str] = str) -> None:
        """Applies the worked example's objects of Istio, changed."""
        self.stage.put(*yaml.safe_load_all(change((WORKED / "istio.yaml").read_text())))

    def ask(self, running: Running) -> Outcome:
        """One request; noted, unless it came to the same as the one before."""
        running.refresh()
        outcome = self.stage.request(running, URL, None)
        if not self.seen or self.seen[-1] != outcome:
            self.seen.append(outcome)
        return outcome

    def ask_until(self, running: Running, kind: Kind, subject: str = "") -> None:
        """Requests until they come to that."""

        def came() -> bool:
            found = self.ask(running)
            return found.kind is kind and found.detail.endswith(subject)

        until(came, f"requests come to: {kind} {subject}", SECONDS)

    def watch(self, running: Running) -> None:
        """Requests for a while."""
        end = time.monotonic() + WATCH_SECONDS
        while time.monotonic() < end:
            self.ask(running)
            time.sleep(0.2)

    @contextmanager
    def pod(self, *, optional: bool = False) -> Iterator[Running]:
        """The worked example's Pod."""
        manifest = (WORKED / "deployment.yaml").read_text()
        source = f'"secretName":"{NAME}"'
        made: Object = yaml.safe_load(manifest.replace(source, f'{source},"optional":true') if optional else manifest)
        with self.stage.pod(made) as running:
            yield running


def stories(stage: Stage) -> Iterator[Story]:
    """Every story, told."""
    stage.put(*yaml.safe_load_all((WORKED / "namespaces.yaml").read_text()))
    for title, tell, expected in STORIES:
        teller = Teller(stage)
        tell(teller)
        yield Story(title, tuple(teller.seen), expected)


def _rotations(teller: Teller) -> None:
    teller.rules()
    teller.give(teller.client("client-0"))
    with teller.pod() as running:
        teller.ask(running)
        for number in range(1, 4):
            teller.give(teller.client(f"client-{number}"))
            teller.ask_until(running, Kind.WORKS, f"CN=client-{number}")


def _key_later(teller: Teller) -> None:
    old, new = teller.client("old"), teller.client("new")
    teller.rules()
    teller.give(old)
    with teller.pod() as running:
        teller.ask(running)
        teller.give(new, key=old)
        teller.watch(running)
        teller.give(new)
        teller.ask_until(running, Kind.WORKS, "CN=new")


def _secret_late(teller: Teller) -> None:
    teller.rules()
    with teller.pod(optional=True) as running:
        teller.ask(running)
        teller.give(teller.client("client"))
        teller.ask_until(running, Kind.WORKS)


def _rule_late(teller: Teller, change: Callable[[str], str], end: Kind) -> None:
    teller.give(teller.client("client"))
    with teller.pod() as running:
        teller.ask(running)
        teller.rules(change)
        teller.ask_until(running, end)
        teller.watch(running)


def _wrong(text: str) -> str:
    return text.replace("/etc/mtlsfiles/", "/etc/elsewhere/")


_AS = f"{Kind.WORKS} as O=Example,CN="
STORIES: tuple[tuple[str, Callable[[Teller], None], tuple[str, ...]], ...] = (
    ("three rotations in a row, without a restart", _rotations, tuple(f"{_AS}client-{one}" for one in range(4))),
    ("a new certificate, whose key comes later", _key_later, (f"{_AS}old", f"{_AS}new")),
    ("an optional Secret that comes after the Pod", _secret_late, (Kind.FAILS, f"{_AS}client")),
    (
        "a good rule that comes after the Pod",
        partial(_rule_late, change=str, end=Kind.WORKS),
        (Kind.PLAIN, f"{_AS}client"),
    ),
    (
        "a rule with wrong paths that comes after the Pod",
        partial(_rule_late, change=_wrong, end=Kind.FAILS),
        (Kind.PLAIN, Kind.FAILS),
    ),
)
