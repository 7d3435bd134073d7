"""Rounds: the groups that a rollout keeps, and how many prompts the algorithm draws in the place of dropped ones."""

from collections.abc import Sequence

from leanrl.seams.protocols import Group
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.groups import Asked, KeptGroup


class Rounds:
    """Keeps rows of this rank's groups round by round, until all ranks together have no more prompts to draw.

    `num_wanted` is how many prompts the next round draws, over all ranks; 0 ends the rollout.

    Args:
        algorithm: keeps rows, and asks for a refill.
        ranks: count together what they have kept.
        num_prompts: of a rollout, over all ranks.
    """

    def __init__(self, algorithm: Algorithm, ranks: Ranks, *, num_prompts: int) -> None:
        self.num_wanted = num_prompts
        self._algorithm = algorithm
        self._ranks = ranks
        self._num_prompts = num_prompts
        self._num_drawn = 0
        self._kept_by_round: list[list[KeptGroup]] = []

    def keep(self, asked: Sequence[Asked], groups: Sequence[Group]) -> None:
        """Keep rows of the groups of a round, and decide on the next round."""
        kept = [KeptGroup(one, group, self._algorithm.keeps(group)) for one, group in zip(asked, groups, strict=True)]
        self._kept_by_round.append([one for one in kept if one.kept.rows])
        self._num_drawn += self.num_wanted
        num_kept = sum(self._ranks.gather([sum(map(len, self._kept_by_round))]))
        dropped_share = 1 - num_kept / self._num_drawn
        num_refilled = self._algorithm.refills(self._num_prompts, num_kept, dropped_share, len(self._kept_by_round))
        self.num_wanted = self._ranks.whole(num_refilled)

    def first_groups(self) -> list[KeptGroup]:
        """Return this rank's part of the first `num_prompts` groups: a refill may bring more than are missing."""
        kept: list[KeptGroup] = []
        room = self._num_prompts
        for own in self._kept_by_round:
            everybody, place = self._ranks.share(own)
            kept += own[: max(0, room - place.start)]
            room -= min(room, len(everybody))
        return kept
