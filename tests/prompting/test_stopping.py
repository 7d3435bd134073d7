"""Which tokens end a completion where tokenizer, config and generation_config disagree."""

import pytest

from leanrl.prompting.stopping import Stopping, combined_stopping

# Published models of these shapes, with small numbers: 1 is the end of a text, 2 the end of a turn, 3 a further end
# token, 9 an ordinary token, 12 has no row in an embedding of 10 rows.
SPECIAL = {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("tokenizer", "generation", "config", "stop_ids", "beyond"),
    [
        (1, 1, 1, (1,), ()),
        (2, 1, 1, (2, 1), ()),  # the tokenizer knows the turn, the files beside the weights do not
        (1, [2, 1], 2, (1, 2), ()),  # Qwen2.5: the tokenizer alone would miss a turn
        (2, [1, 2, 3], [1, 2, 3], (2, 1, 3), ()),  # Llama 3
        (2, None, None, (2,), ()),
        (None, 2, 1, (2, 1), ()),
        (None, None, 2, (2,), ()),
        (None, None, [2, 1], (2, 1), ()),
        (2, None, 3, (2, 3), ()),  # the config's own special token
        (1, None, 9, (1,), ()),  # a config class's default, which is an ordinary token here
        (None, None, 9, (9,), ()),  # nobody else names an end
        (2, [1, 1, 2], 1, (2, 1), ()),
        (2, [None, 1], None, (2, 1), ()),
        (12, 1, 1, (1,), (12,)),
        (12, None, None, (), (12,)),
        (2, [12, -1], None, (2,), (12, -1)),
        (None, None, None, (), ()),
        (None, [], [], (), ()),
        (0, 0, 0, (0,), ()),  # token 0 is a token
    ],
)
def test_every_end_token_counts_once(tokenizer, generation, config, stop_ids, beyond) -> None:
    stopping = combined_stopping(
        tokenizer_eos=tokenizer,
        generation_eos=generation,
        config_eos=config,
        special_ids=SPECIAL,
        pad_id=0,
        num_rows=10,
    )
    assert stopping == Stopping(stop_ids, 0, beyond)


@pytest.mark.parametrize(("pad", "pad_id"), [(3, 3), (0, 0), (12, 2), (None, 2), (-1, 2)])
def test_padding_is_a_row_of_the_embedding(pad, pad_id) -> None:
    ends = {"tokenizer_eos": 2, "generation_eos": None, "config_eos": None}
    assert combined_stopping(**ends, special_ids=SPECIAL, pad_id=pad, num_rows=10).pad_id == pad_id


def test_without_an_end_token_the_first_row_pads_and_the_user_is_told() -> None:
    ends = {"tokenizer_eos": 12, "generation_eos": None, "config_eos": None}
    stopping = combined_stopping(**ends, special_ids=SPECIAL, pad_id=11, num_rows=10)
    assert stopping == Stopping((), 0, (12,))
    assert "no row for 12" in (stopping.warning() or "")
    assert Stopping((2,), 0).warning() is None


@pytest.mark.parametrize(
    ("tokens", "cut"),
    [([5, 2, 6, 3], [5, 2]), ([2], [2]), ([5, 6], [5, 6]), ([], []), ([5, 3, 2], [5, 3])],
)
def test_a_completion_keeps_the_token_that_ends_it(tokens, cut) -> None:
    assert Stopping((2, 3), 0).cut(tokens) == cut
