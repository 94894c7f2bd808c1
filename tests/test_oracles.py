"""What we predict is what Istio's and Kubernetes' own code makes of the same objects, on generated cases."""

import os
import secrets
from collections.abc import Callable

import pytest

from rig.oracles.asking import Tally
from rig.oracles.pods import compare_pods
from rig.parts import PartMissing

pytestmark = pytest.mark.slow

SEED = 1 if os.environ.get("CI") == "true" else secrets.randbelow(1 << 30)


def found(compare: Callable[[int, int], Tally], cases: int) -> Tally:
    """The tally of a comparison, the same cases on the build server every time, new ones on a laptop."""
    try:
        return compare(SEED, cases)
    except PartMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def test_sidecars_are_predicted_as_the_injector_and_the_api_server_make_them() -> None:
    tally = found(compare_pods, 2000)
    assert tally.wrong == [], f"seed {SEED}"
    assert min(tally.outcomes[what] for what in ("injected", "refused by the injector", "left alone")) > 50
