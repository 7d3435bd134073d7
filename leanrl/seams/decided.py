"""How many of a prompt's latest groups in a row had no signal."""

from collections.abc import Iterable, Sequence


def decided_in_a_row(groups: Iterable[Sequence[bool]], before: int = 0) -> int:
    """Return how many of the latest groups were all right (positive) or all wrong (negative); 0 after signal.

    Args:
        groups: whether each completion is right, oldest group first.
        before: the same of groups that came before these.
    """
    in_a_row = before
    for correct_G in groups:
        kind = 1 if all(correct_G) else 0 if any(correct_G) else -1
        in_a_row = in_a_row + kind if in_a_row * kind > 0 else kind
    return in_a_row
