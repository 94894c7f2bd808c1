"""`python -m examples.demo`: the worked example and what breaks it, submitted to a real server over TLS.

Prints for each object what `kubectl apply` would print. Exit code 1 when an answer is not as expected.
"""

import argparse
import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from examples import material
from examples.apiserver import NoServer, Webhook, review, webhook
from webhook.admission import read_review
from webhook.admission.kubectl_output import screen
from webhook.admission.wire import Response
from webhook.manifests import Document, read

HERE = Path(__file__).parent
WORKED, BROKEN = HERE / "worked", HERE / "broken"
CREATE_SECRET = "kubectl -n devel create secret generic external-system-mtls-data --from-file=client/"
_COLOURS = {"Error": "red", "Warning": "yellow", "#": "bright_black", "$": "bright_white"}
_RULE = re.compile(r" \[([a-z0-9-]+)\]$")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a person, and the objects that it submits.

    shown: the file as kubectl would be given it. law: what is wrong, '' when nothing is. expected: `deny RULE`, ...
    """

    command: str
    shown: str
    law: str
    expected: str
    reviews: tuple[dict[str, Any], ...]


def steps(secrets: Path) -> Iterator[Step]:
    """The worked example, file by file, then everything broken; a broken rule is an update of the worked one."""
    good = _manifests(secrets)[0]
    yield _worked("namespaces.yaml")
    yield Step(CREATE_SECRET, "", "", "allow", (review("CREATE", good),))
    yield _worked("istio.yaml")
    yield _worked("deployment.yaml")
    rule = next(one for one in _manifests(WORKED / "istio.yaml") if one["kind"] == "DestinationRule")
    for file in sorted(BROKEN.iterdir()):
        yield _broken(file, rule)


def _worked(name: str) -> Step:
    """The step of one file of the worked example."""
    shown = f"examples/worked/{name}"
    reviews = tuple(review("CREATE", manifest) for manifest in _manifests(WORKED / name))
    return Step(f"kubectl apply -f {shown}", shown, "", "allow", reviews)


def _broken(file: Path, rule: Mapping[str, Any]) -> Step:
    """The step of one broken file, whose first two lines are its law and what to expect."""
    law, expected = (line.removeprefix("# ") for line in file.read_text(encoding="utf-8").splitlines()[:2])
    shown = f"examples/broken/{file.name}"
    reviews = tuple(
        review("UPDATE", one, rule) if one["kind"] == "DestinationRule" else review("CREATE", one)
        for one in _manifests(file)
    )
    return Step(f"kubectl apply -f {shown}", shown, law, expected.removeprefix("expect: "), reviews)


def verdict(response: Response) -> str:
    """The answer in the words of `# expect:`: `deny` with the rules that deny, `warn` with those that warn, `allow`."""
    if not response["allowed"]:
        causes = response["status"]["details"]["causes"]
        rules = [cause["reason"] for cause in causes if not cause["message"].startswith("warning: ")]
        return f"deny {' '.join(dict.fromkeys(rules))}"
    found = (_RULE.search(line) for line in response.get("warnings", ()))
    rules = [match.group(1) if match else "note" for match in found]
    return f"warn {' '.join(dict.fromkeys(rules))}" if rules else "allow"


def submit(server: Webhook, step: Step) -> bool:
    """Submits the objects of one command and prints what a person would see; tells whether it is as expected."""
    say("")
    if step.law:
        say(f"# {step.law}")
    say(f"$ {step.command}")
    found = []
    for asked in step.reviews:
        reply = server.submit(asked)
        found.append(verdict(reply["response"]))
        for line in screen(read_review(json.dumps(asked).encode()), reply, step.shown):
            say(line)
    surprises = [one for one in found if one != step.expected]
    for one in surprises:
        say(f'Error: not as expected: "{step.expected}" was, "{one}" came')
    return not surprises


def say(line: str) -> None:
    """Prints a line, in colour when somebody looks."""
    click.secho(line, fg=next((colour for start, colour in _COLOURS.items() if line.startswith(start)), None))


def stay(server: Webhook, step: Step) -> None:
    """Says how to try it, and shows the webhook's log until it is interrupted."""
    body = server.folder / "review.json"
    body.write_text(json.dumps(step.reviews[0]), encoding="utf-8")
    ca = server.folder / "ca.crt"
    say("\nThe webhook stays until Ctrl-C, and its log appears here. In another terminal, send it what the API server")
    say(f'would send for {step.shown}; expect "allowed":false and the text above:\n')
    say(f"  curl --cacert {ca} -H 'Content-Type: application/json' --data-binary @{body} {server.url}\n")
    with (server.folder / "log").open(encoding="utf-8") as log:
        log.seek(0, 2)
        while True:
            line = log.readline()
            click.echo(line, nl=False) if line else time.sleep(0.1)


def run(folder: Path, *, staying: bool) -> int:
    """Makes what is needed in the folder, submits everything; the number of answers that were not as expected."""
    now = datetime.now(UTC)
    material.write_webhook(folder, now)
    material.write_secrets(folder / "secrets.json", material.secrets(now))
    with webhook(folder, WORKED, folder / "secrets.json") as server:
        say(f"The webhook answers at {server.url}. First the worked example, which works.")
        every = list(steps(folder / "secrets.json"))
        wrong = [step for step in every if not submit(server, step)]
        broken = sum(1 for step in every if step.law)
        if not wrong:
            say(f"\nAll as expected: the worked example passed without a word, {broken} broken variants did not.")
        for step in wrong:
            say(f"Error: not answered as expected: {step.command}")
        if staying:
            stay(server, next(step for step in every if step.expected.startswith("deny")))
    return len(wrong)


def main() -> None:
    """Runs the demo; ends with 1 when an answer is not as expected or the webhook does not start."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo", description="Submits the examples to a real webhook."
    )
    parser.add_argument("--stay", action="store_true", help="leave the webhook running and say how to send it a review")
    staying = parser.parse_args().stay
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="mtls-guard-") as folder:
            sys.exit(1 if run(Path(folder), staying=staying) else 0)
    except NoServer as error:
        click.secho(f"Error: the webhook did not start: {error}", fg="red", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0 if staying else 130)


def _manifests(path: Path) -> list[Mapping[str, Any]]:
    """The objects in a file."""
    return [found.manifest for found in read([str(path)]) if isinstance(found, Document)]


if __name__ == "__main__":
    main()
