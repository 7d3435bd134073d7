"""The tags around thinking: what each opens and closes, and what a prompt leaves open."""

import pytest

from leanrl.prompting.thinking import NO_TAG, USUAL_TAGS, drop_thinking, is_opening_tag, opened_tag, tag_in_force

# One pair of each form, and of each word and case that models write.
PAIRS = [
    ("<think>", "</think>"),
    ("<Think>", "</THINK>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ('<think effort="low">', "</think>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<ifm|think>", "</ifm|think>"),
    ("[THINK]", "[/THINK]"),
    ("[thinking]", "[/thinking]"),
    ("<|think|>", "<|/think|>"),
    ("<|thought_start|>", "<|thought_end|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<start_working_out>", "<end_working_out>"),
    ("◁think▷", "◁/think▷"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("<thought_process>", "</thought_process>"),
    ("<think_fast>", "</think_fast>"),
    ("<unused94>", "<unused95>"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS, ids=[opening for opening, _ in PAIRS])
@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("b", "b"),
        ("a{close}b", "b"),  # the opening tag was in the prompt
        ("{open}a{close}b", "b"),
        ("a{open}b", "a"),
        ("{open}a", ""),
        ("a{close}b{close}c", "c"),
        ("{open}a{close}b{open}c", "b"),
        ("{open}a{open}b{close}c", "c"),
    ],
)
def test_thinking_is_dropped(text, spoken, opening, closing):
    """With or without its opening tag, closed or not."""
    assert drop_thinking(text.format(open=opening, close=closing)) == spoken


@pytest.mark.parametrize(
    "text", ["<think>a</thought>b", "[THINK]a</think>b", "<think>[THINK]a[/THINK]b", "<think>a</answer>b"]
)
def test_a_thinking_part_ends_with_its_own_tag(text):
    """Else a tag that the thoughts mention would turn the rest of them into an answer."""
    assert drop_thinking(text) == ""


@pytest.mark.parametrize(
    "text",
    ["1 < think > 0", "[reasoning] so 5", "<analysis>5", "<rethink>5", r"a <thinker> 5", "x[think5]"],
)
def test_other_brackets_are_no_tags(text):
    assert drop_thinking(text) == text


@pytest.mark.parametrize(("opening", "closing"), PAIRS, ids=[opening for opening, _ in PAIRS])
def test_what_a_prompt_leaves_open(opening, closing):
    """The tag as it is written, where nothing follows it; an instruction about tags opens none."""
    assert opened_tag(f"What is 1 + 1? <|assistant|>\n{opening}\n") == opening
    assert opened_tag(f"assistant: {opening}\n\n{closing}\n\n") == ""
    assert opened_tag(f"Begin with {opening} and end with {closing}.\nassistant:") == ""
    assert opened_tag("assistant:") == ""


def test_what_a_config_may_name():
    assert all(map(is_opening_tag, USUAL_TAGS))
    assert all(is_opening_tag(opening) and not is_opening_tag(closing) for opening, closing in PAIRS)
    assert not any(map(is_opening_tag, ["", "think", "<thnk>", "<think>a", "<think></think>", "<answer>"]))


def test_a_config_goes_before_the_prompt():
    assert tag_in_force(None, "assistant: <think>") == "<think>"
    assert tag_in_force("[THINK]", "assistant: <think>") == "[THINK]"
    assert tag_in_force(NO_TAG, "assistant: <think>") == ""
