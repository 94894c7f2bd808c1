"""`mtls-guard inject`: writes into manifests what the webhook would write into their Pods."""

import io
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhook.cli.options import policy_option

if TYPE_CHECKING:
    from webhook.input.manifest_input import ManifestInput
    from webhook.kinds.workload import Templates
    from webhook.manifests import Document
    from webhook.manifests.rewrite import Change
    from webhook.model.injection_plan import Addition

STDIN = "-"
LEFT_ALONE, WRONG = 1, 2


@click.command("inject", short_help="Writes userVolume and userVolumeMount into workloads that opt in.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--cluster", multiple=True, metavar="PATH", help="Further manifests with rules and Secrets; not changed.")
@click.option("--diff", is_flag=True, help="Print the difference instead of the manifests.")
@click.option("--write", is_flag=True, help="Change the files instead of printing them.")
@policy_option
def command(paths: tuple[str, ...], *, cluster: tuple[str, ...], diff: bool, write: bool, policy: str | None) -> None:
    """Writes userVolume and userVolumeMount into each workload of the PATHs that opts in, and prints the manifests.

    A workload opts in with the annotation mtls-guard.io/client-secret or mtls-guard.io/inject on its pod template.
    Comments and order stay. What cannot be done right is left alone, and told.

    Exit code 0: done; 1: a workload that opts in was left alone; 2: something could not be read.
    """
    if write and STDIN in paths:
        raise click.UsageError("standard input cannot be changed: leave --write out")
    stdin = sys.stdin.buffer.read() if STDIN in paths else b""
    held, documents = _read(paths, cluster, policy, stdin)
    planned = [(document, *_plan(document, held)) for document in documents]
    files = {document.place.file: stdin if document.place.file == STDIN else b"" for document in documents}
    left = [line for _, _, lines in planned for line in lines]
    for file, content in files.items():
        before = content or Path(file).read_bytes()
        _put_out(file, before, _rewritten(file, before, planned, held.view.workload_paths), diff=diff, write=write)
    for line in (*map(str, held.unreadable), *left):
        click.echo(line, err=True)
    sys.exit(WRONG if held.unreadable else LEFT_ALONE if left else 0)


def _read(
    paths: Iterable[str], cluster: Iterable[str], policy_file: str | None, stdin: bytes
) -> "tuple[ManifestInput, list[Document]]":
    """Everything as a partial view, and the documents that may be changed."""
    from webhook.input.manifest_input import ManifestInput
    from webhook.input.policy_file import read_policy
    from webhook.manifests import Unreadable, read
    from webhook.policy import BadPolicy
    from webhook.rules import catalogue
    from webhook.view import Snapshot

    try:
        policy = read_policy(policy_file, tuple(catalogue()))
    except BadPolicy as refused:
        _stop(str(refused))
    held = ManifestInput(
        Snapshot(complete=False, workload_paths=policy.workload_paths, further=policy.further_producers)
    )
    own = list(read(paths, io.BytesIO(stdin)))
    for found in own:
        held.take(found)
    held.end_layer()
    for found in read(cluster):
        held.take(found)
    return held, [found for found in own if not isinstance(found, Unreadable)]


def _plan(document: "Document", held: "ManifestInput") -> "tuple[Addition | None, list[str]]":
    """What is added to the object, None where it stays as it is, and why something that it asks for is not added."""
    from webhook.kinds.workload import read_workload
    from webhook.model.expiry_horizon import Horizon
    from webhook.model.injection_plan import Addition
    from webhook.trace.injection_plan import plan
    from webhook.trace.managed_entries import is_outdated, without_own
    from webhook.trace.secret_obstacles import in_words
    from webhook.trace.workload import WorkloadPicture

    workload = read_workload(document.manifest, held.view.workload_paths)
    if workload is None:
        return None, []
    picture = WorkloadPicture(without_own(workload), held.view, Horizon(datetime.now(UTC)))
    addition = plan(picture)
    place = f"{document.place.file}:{document.place.line}: {workload.ref}"
    said = "not everything is mounted" if addition else "left alone"
    left = [f"{place}: {said}: {one.problem}; {one.fix}" for one in addition.obstacles]
    if any(one.undated for one in addition.rivals):  # files have no age, by which the webhook decides
        left += [f"{place}: left alone: {problem}; {fix}" for problem, fix in map(in_words, addition.rivals)]
        addition = Addition(opted_in=True, refused=True)
    if addition.opted_in and picture.user.rejected:
        left.append(f"{place}: left alone: its annotations are broken; see mtls-guard check")
    elif addition.opted_in and not left and addition.awaited and not addition:
        left.append(f"{place}: left alone: no DestinationRule in view reads files for it; name its folder by --cluster")
    return addition if is_outdated(workload.template, picture.declaration, addition) else None, left


def _rewritten(
    file: str, before: bytes, planned: "Iterable[tuple[Document, Addition | None, list[str]]]", further: "Templates"
) -> bytes:
    """The content of the file with every addition to an object in it."""
    from webhook.manifests import rewrite

    changes = [
        (document.place, change)
        for document, addition, _ in planned
        if addition is not None and document.place.file == file
        for change in [_change(document, addition, further)]
        if _has_effect(change, document)
    ]
    try:
        return rewrite(before, changes) if changes else before
    except ValueError as fault:
        _stop(f"{file}: {fault}")


def _change(document: "Document", addition: "Addition", further: "Templates") -> "Change":
    from webhook.inject.template_writer import write
    from webhook.kinds.workload import template_path

    manifest = document.manifest
    steps = template_path(manifest["apiVersion"], manifest["kind"], further) or ()

    def change(found: MutableMapping[str, Any]) -> None:
        """Adds to the template of the object."""
        for step in steps:
            found = found[step]
        write(found, addition)

    return change


def _has_effect(change: "Change", document: "Document") -> bool:
    """Whether the change makes another object of it; where it does not, no byte of the document is touched."""
    made = deepcopy(dict(document.manifest))
    change(made)
    return made != document.manifest


def _put_out(file: str, before: bytes, after: bytes, *, diff: bool, write: bool) -> None:
    """Prints the file or the difference, or changes it."""
    if diff:
        click.echo("".join(_difference(file, before, after)), nl=False)
    elif not write:
        click.echo(after.decode(), nl=False)
    if write and after != before:
        Path(file).write_bytes(after)


def _difference(file: str, before: bytes, after: bytes) -> Iterator[str]:
    from difflib import unified_diff

    old, new = (one.decode("utf-8", "replace").splitlines(keepends=True) for one in (before, after))
    for line in unified_diff(old, new, file, f"{file} (injected)"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _stop(problem: str) -> NoReturn:
    """Says what keeps the command from its work, and ends it."""
    click.echo(problem, err=True)
    sys.exit(WRONG)
