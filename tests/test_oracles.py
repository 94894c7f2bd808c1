"""What we predict is what Istio's, Envoy's and Kubernetes' own code makes of the same objects, on generated cases.

The same cases every time; `python -m rig.oracles CASES SEED` looks at others.
"""

import pytest

from rig.oracles.clusters import compare_clusters
from rig.oracles.files import compare_files
from rig.oracles.pods import compare_pods
from tests.oracle_parts import needed
from webhook.istio.pilot.client_tls import Kind

pytestmark = pytest.mark.slow

SEED = 1


def test_predicted_sidecars_equal_injected_ones() -> None:
    tally = needed(lambda: compare_pods(SEED, 1000))
    assert tally.wrong == []
    assert min(tally.outcomes[what] for what in ("injected", "refused by the injector", "left alone")) > 50


def test_predicted_tls_settings_equal_clusters_of_istiod() -> None:
    tally = needed(lambda: compare_clusters(SEED, 500))
    assert tally.wrong == []
    assert min(tally.outcomes[kind] for kind in Kind if kind is not Kind.NONE) > 20


def test_files_are_judged_as_the_agent_and_envoy_judge_them() -> None:
    tally = needed(lambda: compare_files(SEED, 750))
    assert tally.wrong == []
    assert min(tally.outcomes.values()) > 10
