"""Completions as text: special tokens go, thinking tags stay."""

import pytest
from tokenizers import AddedToken

from leanrl.prompting.rendering import completion_texts
from leanrl.prompting.thinking import drop_thinking
from leanrl.rewards.registry import resolve_rewards
from leanrl.seams.protocols import Draft
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.scoring.completions import CompletionScorer
from leanrl.trainer.scoring.reward_logs import RewardLogs
from leanrl.trainer.step.groups import Asked
from leanrl.types import NoVisits, Row
from tests.tiny_model import TURN_END, make_tiny_tokenizer


def _tokenizer(*tags, special):
    tokenizer = make_tiny_tokenizer()
    tokenizer.add_tokens([AddedToken(tag, special=special) for tag in tags], special_tokens=special)
    return tokenizer


def _scored_texts(tokenizer, ids_G):
    """Return the texts that rewards see of the completions of one prompt."""
    scorer = CompletionScorer(
        rows=[Row(id="0", problem="", gold="5", asked_by="")],
        rewards=resolve_rewards({"one_box": 1.0}, {}),
        grader=None,
        ranks=Ranks(0, 1, list),
        tokenizer=tokenizer,
        opened_tag="",
        language="en",
        stop_ids=[],
        logs=RewardLogs(lambda: None),
    )
    (group,) = scorer.score(
        [Asked(0, "0", [1], [Draft()] * len(ids_G))], [ids_G], ledger=NoVisits(), max_completion_tokens=99
    )
    return [sample.text for sample in group.samples_G]


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("tags", [("[THINK]", "[/THINK]"), ("<|START_THINKING|>", "<|END_THINKING|>")])
def test_thinking_tags_stay_where_they_are_special_tokens(tags, special):
    """Without them a box in thoughts that were cut off would be the answer."""
    tokenizer = _tokenizer(*tags, special=special)
    texts = [f"{tags[0]}so 4{tags[1]}it is 5{TURN_END}", f"{tags[0]}so it is 4{TURN_END}"]
    ids = [tokenizer(text)["input_ids"] for text in texts]
    found = completion_texts(tokenizer, ids)
    assert found == [text.removesuffix(TURN_END) for text in texts]
    assert [drop_thinking(text) for text in found] == ["it is 5", ""]
    assert _scored_texts(tokenizer, ids) == found


def test_a_tag_of_three_tokens_stays():
    """The tags of gpt-oss: a channel's name stands between two special tokens."""
    tokenizer = _tokenizer("<|channel|>", "<|message|>", special=True)
    ids = [tokenizer("<|channel|>analysis<|message|>so 4<|channel|>final<|message|>5")["input_ids"]]
    assert list(map(drop_thinking, completion_texts(tokenizer, ids))) == ["5"]


def test_other_tokenizers_decode_as_ever():
    tokenizer = _tokenizer(special=True)
    ids = [tokenizer(f"Größe 5{TURN_END}")["input_ids"], []]
    assert completion_texts(tokenizer, ids) == tokenizer.batch_decode(ids, skip_special_tokens=True) == ["Größe 5", ""]
