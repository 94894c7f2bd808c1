"""Writes out the law behind a rule: its docstring, and its examples with what is found in them."""

from collections.abc import Iterator, Sequence
from textwrap import indent

from webhook.model.rule import Example, Rule


def write(rule: Rule, examples: Sequence[Example]) -> Iterator[str]:
    """The text of `explain RULE`, in Markdown."""
    yield f"# {rule.id}"
    yield ""
    yield f"{rule.title} (severity: {rule.severity}, since {rule.since})"
    yield ""
    yield rule.docs.strip()
    yield ""
    yield "## Examples"
    for example in examples:
        yield ""
        yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    """One example: its manifests, what was there before, and the findings."""
    yield f"{'Found' if example.findings else 'Fine'}: {example.title}"
    yield ""
    for heading, manifest in (("before", example.old), ("in the cluster", example.cluster), ("", example.object)):
        if manifest:
            yield from ([f"  # {heading}"] if heading else [])
            yield indent(manifest.rstrip(), "    ")
    for line in example.findings:
        yield ""
        yield f"  {line}"
