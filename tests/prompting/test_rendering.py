"""Completions as text: special tokens go, thinking tags stay."""

import pytest
from tokenizers import AddedToken

from leanrl.prompting.rendering import completion_texts
from leanrl.prompting.thinking import drop_thinking
from leanrl.trainer.scoring.completions import completions_of
from tests.tiny_model import TURN_END, make_tiny_tokenizer


def _tokenizer(*tags, special):
    tokenizer = make_tiny_tokenizer()
    tokenizer.add_tokens([AddedToken(tag, special=special) for tag in tags], special_tokens=special)
    return tokenizer


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
    scored = completions_of([{"row": 0}] * 2, tokenizer.batch_decode(ids, skip_special_tokens=True), ids, tokenizer)
    assert scored.texts_B == found


def test_other_tokenizers_decode_as_ever():
    tokenizer = _tokenizer(special=True)
    ids = [tokenizer(f"Größe 5{TURN_END}")["input_ids"], []]
    assert completion_texts(tokenizer, ids) == tokenizer.batch_decode(ids, skip_special_tokens=True) == ["Größe 5", ""]
