"""One-digit sums: which problems there are, and what held out means."""

import pytest

from leanrl.data.sums import Sum, one_digit_sums


def pairs(sums: list[Sum]) -> set[tuple[int, int]]:
    return {(min(each.left, each.right), max(each.left, each.right)) for each in sums}


def test_every_ordered_sum_is_there_once() -> None:
    train, heldout = one_digit_sums(num_heldout_pairs=0, seed=0)
    assert heldout == []
    assert {(each.left, each.right) for each in train} == {(a, b) for a in range(10) for b in range(10)}
    assert len(train) == 100


@pytest.mark.parametrize("seed", range(5))
def test_no_pair_is_on_both_sides(seed: int) -> None:
    """20 pairs of 55 are held out; whoever is held out as a + b is held out as b + a."""
    train, heldout = one_digit_sums(num_heldout_pairs=20, seed=seed)
    assert len(pairs(heldout)) == 20
    assert len(pairs(train)) == 35
    assert not pairs(train) & pairs(heldout)
    assert len(train) + len(heldout) == 100
    assert {Sum(each.right, each.left) for each in heldout} == set(heldout)


def test_a_double_is_asked_once() -> None:
    """54 of 55 pairs held out and one left: a double leaves 1 sum to train on, any other pair 2."""
    for seed in range(20):
        train, _ = one_digit_sums(num_heldout_pairs=54, seed=seed)
        assert len(train) == (1 if train[0].left == train[0].right else 2)


def test_the_seed_decides() -> None:
    first = one_digit_sums(num_heldout_pairs=20, seed=7)
    assert first == one_digit_sums(num_heldout_pairs=20, seed=7)
    assert pairs(first[1]) != pairs(one_digit_sums(num_heldout_pairs=20, seed=8)[1])


def test_text_and_gold() -> None:
    assert Sum(3, 9).problem == "3 + 9"
    assert Sum(3, 9).gold == "12"


@pytest.mark.parametrize("num", [-1, 55])
def test_something_must_be_left_to_train_on(num: int) -> None:
    with pytest.raises(ValueError, match=f"num_heldout_pairs is {num}; there are 55 pairs"):
        one_digit_sums(num_heldout_pairs=num, seed=0)
