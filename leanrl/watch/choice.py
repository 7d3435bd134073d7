"""Which checkpoint a run goes back to."""

from collections.abc import Mapping, Sequence


def chosen_step(steps: Sequence[int], bounds: Mapping[int, float], *, since_step: int) -> int:
    """Return the step of the best checkpoint: the highest bound on held-out problems, where any was evaluated.

    Of equals, and where none was evaluated, it is the newest from before the fault; where all are later, the oldest.

    Args:
        steps: of the checkpoints that there are, at least one.
        bounds: lower bounds of scores, by step; a checkpoint that was not evaluated has none.
        since_step: the first step that may have been part of the fault.
    """
    evaluated = [step for step in steps if step in bounds]
    highest = max((bounds[step] for step in evaluated), default=0.0)
    best = [step for step in evaluated if bounds[step] == highest] or list(steps)
    before = [step for step in best if step < since_step]
    return max(before) if before else min(best)
