"""`mtls-guard explain`: the law behind a rule, or the chain of one workload as a tree."""

import sys
from datetime import UTC, datetime
from typing import NoReturn

import click

from webhook.cli.options import at_option, complete_option, policy_option

WRONG = 2


@click.command("explain", short_help="Prints the law behind a rule, or the chain of a workload as a tree.")
@click.argument("what", nargs=-1, metavar="[RULE | KIND/NAME]")
@click.option(
    "-n",
    "--namespace",
    metavar="NAMESPACE",
    help="Of the object, and of those in the manifests that name none.  [default: any that has it]",
)
@click.option(
    "--cluster",
    multiple=True,
    metavar="PATH",
    help="The manifests that the object stands in; may be repeated.  [default: this folder]",
)
@complete_option
@at_option
@policy_option
def command(  # noqa: PLR0913 - click hands over each option as an argument
    what: tuple[str, ...],
    *,
    namespace: str | None,
    cluster: tuple[str, ...],
    complete: bool,
    at: datetime | None,
    policy: str | None,
) -> None:
    """Prints the law behind a RULE, or the chain of the workload KIND/NAME; without either, all rules.

    KIND may also be DestinationRule, Secret, Service or ServiceEntry: then the chains of its workloads are drawn.

    Exit code 0: explained; 2: there is no such rule or object, or the manifests cannot be read.
    """
    if not what:
        _list_rules()
    elif len(what) > 1 or "/" in what[0]:
        judged = (at or datetime.now(UTC), policy)
        _explain_chain(_joined(what), namespace, cluster or (".",), judged, complete=complete)
    else:
        _explain_rule(what[0])


def _joined(what: tuple[str, ...]) -> str:
    """`KIND/NAME`, also of `KIND NAME`, which kubectl takes, too."""
    joined = "/".join(what)
    if len(what) > 2 or joined.count("/") != 1 or not all(joined.split("/")):
        _stop(f'"{" ".join(what)}" names no object; write KIND/NAME, as deployment/sample-app')
    return joined


def _list_rules() -> None:
    """Every rule with its severity and title."""
    from webhook.cli.output import emit
    from webhook.rules import catalogue

    rules = catalogue()
    widest = max((len(name) for name in rules), default=0)
    emit(f"{rule.severity!s:<5} {name:<{widest}}  {rule.title}" for name, rule in rules.items())


def _explain_rule(name: str) -> None:
    """The docstring and the examples of one rule."""
    from webhook.cli.output import emit
    from webhook.examples import load
    from webhook.report.internal_warnings import ABOUT_ITSELF
    from webhook.report.rule_page import write
    from webhook.rules import catalogue

    rule = catalogue().get(name)
    if name in ABOUT_ITSELF:
        emit((f"# {name}", "", ABOUT_ITSELF[name].rstrip()))
    elif rule is None:
        _stop(_unknown(name, list(catalogue())))
    else:
        emit(write(rule, load(name)))


def _explain_chain(
    what: str,
    namespace: str | None,
    cluster: tuple[str, ...],
    judged: tuple[datetime, str | None],
    *,
    complete: bool,
) -> None:
    """The chains that go through one object. judged: as of when, and by which policy file."""
    at, policy_file = judged
    from webhook.cli.explain_chain import ExplainRequest, explain
    from webhook.cli.object_argument import AmbiguousObject
    from webhook.input.policy_file import read_policy
    from webhook.policy import BadPolicy
    from webhook.rules import catalogue

    try:
        policy = read_policy(policy_file, tuple(catalogue()))
        held = explain(ExplainRequest(what, namespace, cluster, policy, at, complete))
    except (BadPolicy, AmbiguousObject) as fault:
        _stop(str(fault))
    if held.unreadable:
        sys.exit(WRONG)


def _unknown(name: str, names: list[str]) -> str:
    """That there is no such rule, and what was probably meant: another one, or an object."""
    from difflib import get_close_matches

    from webhook.cli.object_argument import RELATED, kind_of, workload_kinds

    near = get_close_matches(name, names, n=1)
    guess = f'; did you mean "{near[0]}"?' if near else ""
    if kind_of(name) in (*workload_kinds(), *RELATED):
        return f"say which {kind_of(name)}: mtls-guard explain {name}/NAME"
    other = "" if near else "; an object is written KIND/NAME, as deployment/sample-app"
    return f'no such rule: "{name}"{guess}{other} (`mtls-guard explain` lists all rules)'


def _stop(problem: str) -> NoReturn:
    """Ends the command with a text on standard error."""
    click.echo(problem, err=True)
    sys.exit(WRONG)
