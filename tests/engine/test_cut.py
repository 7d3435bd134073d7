"""Which rows share a micro-batch, worked by hand."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from leanrl.config.schema import TrainConfig
from leanrl.engine.cut import cut_by_tokens, cut_step, fill_up, longest_first, rows_that_teach
from leanrl.engine.rows import PACKED, PADDED, StepRow, padded_tokens

LENGTHS = [3, 9, 5, 9, 1]


def test_longest_first_keeps_the_order_of_equals():
    assert longest_first(LENGTHS) == [1, 3, 2, 0, 4]


def test_cut_by_completions():
    assert cut_step(LENGTHS, TrainConfig(micro_batch_completions=2)) == [[1, 3], [2, 0], [4]]
    assert cut_step(LENGTHS, TrainConfig(micro_batch_completions=2, sort_by_length=False)) == [[0, 1], [2, 3], [4]]


def test_cut_by_tokens_counts_the_padding():
    """Of 18 tokens: 2 x 9; then 3 x 5 (5, 3 and 1 padded to 5)."""
    assert cut_step(LENGTHS, TrainConfig(max_tokens_per_micro_batch=18)) == [[1, 3], [2, 0, 4]]


def test_cut_by_tokens_in_the_order_given():
    """Of 10 tokens: 3 and 9 would take 18, 9 and 5 too, 5 and 9 too; 9 and 1 too."""
    train = TrainConfig(max_tokens_per_micro_batch=10, sort_by_length=False)
    assert cut_step(LENGTHS, train) == [[0], [1], [2], [3], [4]]


def test_a_row_longer_than_the_budget_stands_alone():
    for num_tokens in (padded_tokens, sum):
        assert cut_by_tokens([1, 0, 2], LENGTHS, max_tokens=7, num_tokens=num_tokens) == [[1], [0], [2]]


def test_cut_by_tokens_of_a_pack():
    """Of 18 tokens: 9 + 9, and then all of 5 + 3 + 1. Of 26 too: 27 tokens need two packs, and 18 is the least."""
    for budget in (18, 26):
        assert cut_step(LENGTHS, TrainConfig(max_tokens_per_micro_batch=budget), PACKED) == [[1, 3], [2, 0, 4]]


def test_a_budget_is_not_used_up_where_less_gives_as_few_micro_batches():
    """Packs of at most 14 tokens are three: 9, 9 and 5 + 3 + 1, not 9, 9 + 5 and 3 + 1; all 27 tokens are one of 27."""
    assert cut_step(LENGTHS, TrainConfig(max_tokens_per_micro_batch=14), PACKED) == [[1], [3], [2, 0, 4]]
    assert cut_step(LENGTHS, TrainConfig(max_tokens_per_micro_batch=100), PACKED) == [[1, 3, 2, 0, 4]]


def test_the_first_takes_all_that_fit_and_only_the_others_are_even():
    """Packs of at most 11 tokens are three: 6 + 5, 3 + 3 + 3 + 2 and 1 when filled; 9 tokens are enough for three."""
    lengths, train = [6, 5, 3, 3, 3, 2, 1], TrainConfig(max_tokens_per_micro_batch=11)
    assert cut_step(lengths, train, PACKED) == [[0], [1, 2], [3, 4, 5, 6]]
    assert cut_step(lengths, train, PACKED, fills_first=True) == [[0, 1], [2, 3], [4, 5, 6]]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=7), st.integers(12, 40), st.sampled_from([PADDED, PACKED]))
def test_no_cut_into_as_few_has_a_smaller_largest(lengths, budget, layout):
    """Against all ways to cut the sorted rows, one after the other."""

    def largest(cut):
        return max(layout.num_tokens([lengths[number] for number in numbers]) for numbers in cut)

    order = longest_first(lengths)
    ways = [way for way in all_cuts(order) if largest(way) <= budget]
    found = cut_step(lengths, TrainConfig(max_tokens_per_micro_batch=budget), layout)
    assert found in ways
    assert (len(found), largest(found)) == min((len(way), largest(way)) for way in ways)


def all_cuts(order):
    for breaks in itertools.product([False, True], repeat=len(order) - 1):
        cut = [[order[0]]]
        for number, is_break in zip(order[1:], breaks, strict=True):
            if is_break:
                cut.append([number])
            else:
                cut[-1].append(number)
        yield cut


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=40),
    st.integers(50, 200),
    st.booleans(),
    st.sampled_from([PADDED, PACKED]),
)
def test_every_row_is_in_one_micro_batch_within_the_budget(lengths, budget, is_sorted, layout):
    train = TrainConfig(max_tokens_per_micro_batch=budget, sort_by_length=is_sorted)
    cut = cut_step(lengths, train, layout)
    assert sorted(number for numbers in cut for number in numbers) == list(range(len(lengths)))
    assert all(layout.num_tokens([lengths[number] for number in numbers]) <= budget for numbers in cut)
    if layout is PADDED:
        assert all(len(numbers) * max(lengths[number] for number in numbers) <= budget for numbers in cut)


def test_rows_without_a_gradient_are_left_out():
    """An advantage of 0 has none, nor has a completion that weighs nothing (empty, or masked as truncated)."""
    teaching = StepRow([1], [2], advantage=-0.5, weight=0.1)
    rows = [StepRow([1], [2], advantage=0.0, weight=0.1), teaching, StepRow([1], [], advantage=1.0, weight=0.0)]
    assert rows_that_teach(rows) == [teaching]


def test_ranks_get_equally_many_micro_batches():
    row = StepRow([1, 2], [3])
    filled = fill_up([[row]], count=3, pad_id=7)
    assert filled[2] == [row]
    assert [[(one.prompt_ids, one.completion_ids, one.weight) for one in rows] for rows in filled[:2]] == [
        [([7], [], 0.0)],
        [([7], [], 0.0)],
    ]
