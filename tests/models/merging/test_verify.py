"""A merged model is accepted where rounding explains every token, and refused where it does not."""

import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanrl.errors import LeanRLError
from leanrl.models.merging.verify import TOLERANCE_NATS, TextScores, Verification, sample_texts, score_texts, verify
from tests.tiny_model import make_tiny_tokenizer


def scores(logprobs: list[float], *, greedy: tuple[int, int] = (3, 4), leads: float = 1.0) -> TextScores:
    return TextScores(torch.tensor(logprobs), torch.tensor(greedy), torch.full((2,), leads))


def check(merged: list[float], *, rounded: list[float]) -> Verification:
    """Base + adapter and the exact fold say -1 and -2; the base alone says -1.5 and -2.5."""
    return verify(
        merged=scores(merged),
        trained=scores([-1.0, -2.0]),
        base=scores([-1.5, -2.5]),
        folded=scores([-1.0, -2.0]),
        rounded=scores(rounded),
        num_texts=1,
    )


def test_a_difference_that_rounding_explains_is_accepted() -> None:
    """Off by 0.03 and 0.01, as rounding is: mean 0.02, 4 % of the adapter's 0.5."""
    result = check([-1.03, -2.01], rounded=[-1.03, -2.01])
    assert result.difference_max == pytest.approx(0.03, abs=1e-6)
    assert result.difference_mean == pytest.approx(0.02, abs=1e-6)
    assert result.rounding_max == pytest.approx(0.03, abs=1e-6)
    assert result.adapter_mean == pytest.approx(0.5)
    assert result.rounding_share == pytest.approx(0.04, abs=1e-6)


@pytest.mark.parametrize(
    "merged",
    [
        [-1.01, -2.03],  # the right sizes at the wrong tokens
        [-1.5, -2.5],  # the base without its adapter
        [math.nan, -2.0],
    ],
)
def test_a_difference_that_rounding_does_not_explain_is_refused(merged: list[float]) -> None:
    with pytest.raises(LeanRLError, match="is not base \\+ adapter") as caught:
        check(merged, rounded=[-1.03, -2.01])
    assert "--dtype float32" in (caught.value.hint or "")


def test_the_tolerance_is_a_bound_on_both_sides() -> None:
    check([-1.0 - 0.9 * TOLERANCE_NATS, -2.0], rounded=[-1.0, -2.0])
    with pytest.raises(LeanRLError, match="1 of 2 tokens"):
        check([-1.0 - 1.1 * TOLERANCE_NATS, -2.0], rounded=[-1.0, -2.0])


def test_an_adapter_without_effect_loses_nothing() -> None:
    zeros = scores([0.0, 0.0])
    result = verify(merged=zeros, trained=zeros, base=zeros, folded=zeros, rounded=zeros, num_texts=1)
    assert result.rounding_share == 0.0


@pytest.mark.parametrize(("leads", "is_refused"), [(1.0, True), (TOLERANCE_NATS, False)])
def test_another_greedy_token_is_refused_unless_two_are_as_good(leads: float, is_refused: bool) -> None:
    """The files choose token 9 in the second place, where rounding in memory chose 4."""
    same = scores([-1.0, -2.0], leads=leads)
    files = scores([-1.0, -2.0], greedy=(3, 9))

    def compare() -> Verification:
        return verify(merged=files, trained=same, base=same, folded=same, rounded=same, num_texts=1)

    if is_refused:
        with pytest.raises(LeanRLError, match="1 of 2 tokens"):
            compare()
    else:
        assert compare().greedy_share == 0.5


def test_a_whole_model_is_compared_with_itself_and_has_no_adapter() -> None:
    same = scores([-1.0, -2.0])
    result = verify(merged=same, trained=same, base=None, folded=same, rounded=same, num_texts=1)
    assert result.adapter_mean is None
    assert "merged against the trained model" in result.text()
    assert "the adapter" not in result.text()


def test_scores_are_the_models_own(tiny_model: Path) -> None:
    """Of [1, 7, 9]: log p(7 | 1) and log p(9 | 1, 7), each from a forward pass of its own."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with torch.no_grad():
        first = model(torch.tensor([[1]])).logits[0, -1].log_softmax(-1)
        second = model(torch.tensor([[1, 7]])).logits[0, -1].log_softmax(-1)
    both = score_texts(model, [[1, 7, 9], [1, 7]])
    logprobs = [first[7].item(), second[9].item(), first[7].item()]
    assert both.logprobs_N.tolist() == pytest.approx(logprobs, abs=1e-6)
    assert both.greedy_N.tolist() == [first.argmax(), second.argmax(), first.argmax()]
    best, next_best = first.sort(descending=True).values[:2]
    assert both.leads_N[0].item() == pytest.approx((best - next_best).item(), abs=1e-6)


def test_texts_are_the_same_for_the_same_seed_and_end_with_their_turn(tiny_model: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    tokenizer = make_tiny_tokenizer()
    before = torch.random.get_rng_state()
    texts = sample_texts(model, tokenizer, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert texts == sample_texts(model, tokenizer, seed=3)
    assert texts != sample_texts(model, tokenizer, seed=4)
    assert len(texts) == 8
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is 17 + 25? Think step by step."}],
        add_generation_prompt=True,
        return_dict=True,
    )["input_ids"]
    assert texts[0][: len(prompt)] == prompt
    assert all(tokenizer.eos_token_id not in text[len(prompt) : -1] for text in texts[:4])
