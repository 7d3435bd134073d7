"""The order of prompts: TRL's own, the same after a resume, and never a prompt twice in one take."""

import pytest
from trl.trainer.utils import RepeatSampler

from leanrl.trainer.step.prompt_stream import PromptStream


@pytest.mark.parametrize("shuffles", [True, False])
@pytest.mark.parametrize(("num_rows", "count"), [(8, 4), (7, 3), (5, 5), (9, 1)])
def test_takes_of_one_size_are_in_the_order_of_trls_sampler(num_rows, count, shuffles):
    stream = PromptStream(num_rows, seed=3, shuffles=shuffles)
    sampler = RepeatSampler(range(num_rows), mini_repeat_count=1, batch_size=count, shuffle=shuffles, seed=3)
    expected = [number for _ in range(3) for number in sampler]
    taken = [number for _ in range(len(expected) // count) for number in stream.take(count)]
    assert taken == expected


def test_a_resumed_stream_goes_on_where_it_was_in_a_later_epoch():
    stream, resumed = (PromptStream(10, seed=1, shuffles=True) for _ in range(2))
    for count in (4, 4, 3, 10, 2):
        stream.take(count)
    resumed.load_state_dict(stream.state_dict())
    assert [resumed.take(3) for _ in range(8)] == [stream.take(3) for _ in range(8)]
    assert resumed.num_epochs == stream.num_epochs


def test_no_prompt_comes_twice_in_one_take():
    stream = PromptStream(7, seed=0, shuffles=True)
    for count in (3, 5, 7, 2, 6):
        assert len(set(stream.take(count))) == count


def test_more_prompts_than_there_are_is_refused():
    with pytest.raises(ValueError, match="5 different prompts are asked for, and there are 4"):
        PromptStream(4, seed=0, shuffles=True).take(5)
