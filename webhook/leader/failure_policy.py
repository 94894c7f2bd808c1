"""Whether entries may be `Fail`, from the outcomes of the probe; knows no clock and no API server.

One failed probe means little: a replica that is being replaced, a full connection. Three of the last six, one for each
round of the leader, mean that reviews are lost. After a fall more proofs in a row are asked for before the next `Fail`,
so that an installation that is reached now and then does not swing.
"""

from dataclasses import dataclass, replace

FALLS_AFTER, LOOKED_AT = 3, 6
NEEDS_AGAIN, NEEDS_AT_MOST = 3, 48
CALM = 120
"""So many proofs in a row, ten minutes of them, and what was before is forgotten."""


@dataclass(frozen=True, slots=True)
class ProbeHistory:
    """recent: the last outcomes that say something. streak: proofs in a row. needs: how many in a row allow `Fail`."""

    recent: tuple[bool, ...] = ()
    streak: int = 0
    needs: int = 1

    def after(self, reached: bool | None) -> "ProbeHistory":  # noqa: FBT001  # an outcome, not a switch
        """After a probe; None, which says nothing about us, changes nothing."""
        if reached is None:
            return self
        streak = self.streak + 1 if reached else 0
        needs = 1 if streak >= CALM else self.needs
        return ProbeHistory((*self.recent, reached)[-LOOKED_AT:], streak, needs)

    @property
    def allows(self) -> bool | None:
        """True: `Fail` is safe. False: `Ignore`, now. None: what is there may stay."""
        if self.streak >= self.needs:
            return True
        return False if self.recent.count(False) >= FALLS_AFTER else None

    def risen(self) -> "ProbeHistory":
        """After entries have become `Fail`: what failed before says nothing of reviews that are lost since."""
        return replace(self, recent=())

    def fallen(self) -> "ProbeHistory":
        """After entries that were `Fail` have become `Ignore`, or were deleted: each time twice as much is asked."""
        needs = min(max(NEEDS_AGAIN, self.needs * 2 if self.needs > 1 else 0), NEEDS_AT_MOST)
        return replace(self, recent=(), streak=0, needs=needs)
