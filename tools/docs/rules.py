"""A page for each rule, from its docstring and its examples, and the list of all of them."""

from collections.abc import Iterator

from webhook.examples import load
from webhook.model.rule import Example, Rule
from webhook.report.internal_warnings import ABOUT_ITSELF
from webhook.rules import catalogue

ABOUT = {
    "workload": "Workloads",
    "destination": "DestinationRules by themselves",
    "audience": "DestinationRules and the workloads that they reach",
    "change": "Changes that break others",
}


def pages() -> Iterator[tuple[str, str]]:
    """`rules/README.md`, then `rules/<id>.md` for each rule."""
    yield "rules/README.md", "\n".join(_index())
    for rule in catalogue().values():
        yield f"rules/{rule.id}.md", "\n".join(_page(rule))
    for word, text in ABOUT_ITSELF.items():
        yield f"rules/{word}.md", f"# {word}\n\n{text}"


def _index() -> Iterator[str]:
    yield "# Rules"
    yield ""
    yield "Each with the severity that it has without a policy; `off` rules are for hardening."
    yield "`mtls-guard explain RULE` prints a page. `@client.cert` stands for a certificate made by `certs/`."
    for about, heading in ABOUT.items():
        yield from ("", f"## {heading}", "", "| rule | severity | says |", "|---|---|---|")
        for rule in catalogue().values():
            if rule.about == about:
                yield f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} |"
    yield from ("", "## Warnings of mtls-guard about itself", "", "No rules, and no policy changes them.", "")
    yield from ("| word | says |", "|---|---|")
    yield from (f"| [{word}]({word}.md) | {text.partition(chr(10))[0]} |" for word, text in ABOUT_ITSELF.items())


def _page(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id}"
    yield ""
    yield f"{rule.title}. Severity: {rule.severity}. Since {rule.since}."
    yield ""
    yield rule.docs.strip()
    yield ""
    yield "## Examples"
    for example in load(rule.id):
        yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    yield from ("", f"### {example.title[:1].upper()}{example.title[1:]}", "")
    for heading, manifest in (
        ("What was there before:", example.old),
        ("In the cluster, beside the worked example:" if example.worked else "In the cluster:", example.cluster),
        ("The object is deleted:" if example.deleted else "The object:", example.object),
    ):
        if manifest:
            yield from (heading, "", "```yaml", manifest.rstrip(), "```", "")
    if example.without:
        yield from (f"The worked example is without its {' and its '.join(example.without)}.", "")
    if not example.complete:
        yield from ("The input is part of a cluster only.", "")
    yield from ("Found:", "", "```text", *example.findings, "```") if example.findings else ("Fine.",)
