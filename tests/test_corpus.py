"""Setups found in public: those that work are never denied, and each gets exactly the findings of its file."""

from itertools import combinations

import pytest

from tests.corpus_setups import Setup, checked, coming_last, denying, in_helms_order, setups
from tests.test_cases import ABSENT, ask, denials, said
from webhook.view import Snapshot

SETUPS = list(setups())
LEAST = 60
FORMS = {
    "ca-bundle", "gateway-annotations", "gateway-credential", "gateway-files", "istio-mutual", "oauth2", "output-certs",
    "rule-only", "sidecar-credential", "sidecar-files", "sidecar-ingress", "spire", "system-bundle", "wasm", "waypoint",
}  # fmt: skip
TOOLS = ("", "helm", "kustomize-controller", "argocd-controller")
each = pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)


def test_there_are_enough_setups_of_every_form() -> None:
    assert len(SETUPS) >= LEAST
    assert {setup.form for setup in SETUPS} == FORMS


@each
def test_setup_names_its_source_and_feature(setup: Setup) -> None:
    """A repository with a path or thread, a page by its title, or a file of the public index by its number."""
    assert setup.source.startswith(("github: ", "istio.io", "public file ", "Alibaba Cloud"))
    assert setup.what
    assert setup.differs
    assert "://" not in setup.source


def test_no_setup_is_there_twice() -> None:
    for field in ("what", "differs", "objects"):
        texts = [getattr(setup, field) for setup in SETUPS]
        assert [one for one, other in combinations(texts, 2) if one == other] == []


@each
def test_check_gives_the_recorded_findings(setup: Setup) -> None:
    assert said(iter(checked(setup))) == setup.check


@each
def test_each_object_that_comes_last_gets_the_recorded_findings(setup: Setup) -> None:
    assert said(coming_last(setup)) == setup.last
    assert sorted(denying(coming_last(setup))) == list(setup.denied)


@each
def test_only_what_fails_under_istio_is_denied(setup: Setup) -> None:
    """Every rule that denies is one for which the file says why the setup really fails."""
    rules = [*denying(iter(checked(setup))).values(), *denying(coming_last(setup)).values()]
    assert set().union(*rules) == set(setup.broken)
    assert all(setup.broken.values())


@pytest.mark.parametrize("tool", TOOLS)
@each
def test_no_order_of_arrival_brings_a_further_denial(setup: Setup, tool: str) -> None:
    """In Helm's order; kubectl may have to apply twice, after a Secret that came too late."""
    exempt = set() if tool else ABSENT
    for subject, rules in denying(in_helms_order(setup, tool)).items():
        assert not rules - exempt - set(setup.broken), subject


@each
def test_a_dry_run_denies_nothing_for_what_is_absent(setup: Setup) -> None:
    for subject in setup.subjects():
        assert not ABSENT & denials(ask(Snapshot(complete=True), subject, dry_run=True))
