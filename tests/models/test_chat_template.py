"""The first prompt of a run, rendered: what a template drops, cuts, merges or refuses has its key named."""

import pytest

from leanrl.errors import ConfigError
from leanrl.models.chat_template import check_prompt, require_in_embedding
from leanrl.prompting.rendering import prompt_ids
from tests.models import templates
from tests.tiny_model import make_tiny_tokenizer

SYSTEM = {"role": "system", "content": "Put the answer in \\boxed{}."}
QUESTION = {"role": "user", "content": "Add 3 + 4"}
EXAMPLE = [{"role": "user", "content": "Add 1 + 1"}, {"role": "assistant", "content": "\\boxed{2}"}]
THOUGHT = [{"role": "user", "content": "Add 2 + 2"}, {"role": "assistant", "content": "<think>2, 4</think>\n4."}]

WITH_SYSTEM = [SYSTEM, QUESTION]
WITH_ALL = [SYSTEM, *EXAMPLE, *THOUGHT, QUESTION]
BROKEN = [templates.BROKEN, templates.UNDEFINED, templates.WRONG_TYPE, templates.DIVIDES]


def tokenizer_with(template: str):
    tokenizer = make_tiny_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


def problems(template: str, messages) -> list[tuple[str, str, str]]:
    with pytest.raises(ConfigError) as caught:
        check_prompt(tokenizer_with(template), messages, {})
    assert caught.value.exit_code == 2
    return [(problem.where, problem.what, problem.hint) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("template", "messages"),
    [
        (templates.PLAIN, WITH_ALL),
        (templates.NO_SYSTEM, [QUESTION]),
        (templates.ALTERNATING, [*EXAMPLE, QUESTION]),
        (templates.MERGES_SYSTEM, [QUESTION]),
        (templates.DROPS_SYSTEM, [*EXAMPLE, QUESTION]),
        (templates.CUTS_THINKING, [SYSTEM, *EXAMPLE, QUESTION]),
        (templates.SWITCHES_THINKING, WITH_SYSTEM),
        (templates.KEEPS_THINKING, WITH_ALL),
        (templates.LAST_TURN, [QUESTION]),
    ],
)
def test_a_prompt_that_comes_through_whole_is_asked_without_a_word(template, messages) -> None:
    assert check_prompt(tokenizer_with(template), messages, {}) == []


@pytest.mark.parametrize("template", [templates.NO_SYSTEM, templates.ALTERNATING])
@pytest.mark.parametrize("messages", [WITH_SYSTEM, [SYSTEM, *EXAMPLE, QUESTION]])
def test_a_template_that_refuses_a_system_message(template, messages) -> None:
    [(where, what, hint)] = problems(template, messages)
    assert where == "data.system_prompt"
    assert "takes no system message (TemplateError: " in what
    assert hint.startswith("-s data.system_prompt=null")


def test_a_template_that_leaves_the_system_message_out() -> None:
    [(where, what, hint)] = problems(templates.DROPS_SYSTEM, WITH_ALL)
    assert (where, what) == ("data.system_prompt", "the template leaves the system message out")
    assert hint.startswith("-s data.system_prompt=null")


@pytest.mark.parametrize("messages", [WITH_SYSTEM, WITH_ALL])
def test_a_system_message_in_the_users_turn_is_told(messages) -> None:
    [warning] = check_prompt(tokenizer_with(templates.MERGES_SYSTEM), messages, {})
    assert "data.system_prompt stands at the head of the user's message" in warning


@pytest.mark.parametrize("template", [templates.CUTS_THINKING, templates.SWITCHES_THINKING])
def test_thinking_that_is_cut_out_of_worked_examples(template) -> None:
    [(where, what, hint)] = problems(template, WITH_ALL)
    assert where == "data.examples, number 2"
    assert "cuts the thinking out" in what
    assert "write the answer without its thinking" in hint
    assert "-s model.chat_template=FILE" in hint


def test_examples_that_are_left_out() -> None:
    found = problems(templates.LAST_TURN, [*EXAMPLE, QUESTION])
    assert [where for where, _, _ in found] == ["data.examples, number 1"] * 2
    assert all(hint.startswith("-s 'data.examples=[]'") or "-s data.examples='[]'" in hint for _, _, hint in found)


def test_a_problem_that_is_left_out() -> None:
    [(where, what, _)] = problems(templates.EMPTY, [QUESTION])
    assert (where, what) == ("model.chat_template", "the template leaves the problem itself out")


def test_a_problem_that_is_left_out_is_not_found_in_an_example_like_it() -> None:
    without_last = templates.PLAIN.replace("in messages %}", "in messages[:-1] %}")
    [(where, what, _)] = problems(without_last, [QUESTION, {"role": "assistant", "content": "\\boxed{7}"}, QUESTION])
    assert (where, what) == ("model.chat_template", "the template leaves the problem itself out")


@pytest.mark.parametrize("template", BROKEN)
def test_a_fault_of_the_template_is_no_traceback(template) -> None:
    [(where, what, hint)] = problems(template, WITH_SYSTEM)
    assert where == "model.chat_template"
    assert "does not render a message" in what
    assert "-s model.chat_template=FILE" in hint
    with pytest.raises(ConfigError, match="does not render a prompt"):
        prompt_ids(tokenizer_with(template), WITH_SYSTEM, {})


def test_an_argument_that_the_template_does_not_mention_is_told() -> None:
    known = check_prompt(tokenizer_with(templates.SWITCHES_THINKING), WITH_SYSTEM, {"enable_thinking": False})
    assert known == []
    [warning] = check_prompt(tokenizer_with(templates.SWITCHES_THINKING), WITH_SYSTEM, {"thinking": False})
    assert "model.chat_template_kwargs.thinking has no effect" in warning


def test_arguments_reach_the_template() -> None:
    tokenizer = tokenizer_with(templates.SWITCHES_THINKING)
    asked = [tokenizer.decode(prompt_ids(tokenizer, [QUESTION], given)) for given in ({}, {"enable_thinking": False})]
    assert asked[0].endswith("<assistant>")
    assert asked[1].endswith("<assistant><think>\n\n</think>\n\n")


def test_a_token_without_a_row_is_named_before_a_gpu_meets_it() -> None:
    tokenizer = make_tiny_tokenizer()
    ids = prompt_ids(tokenizer, WITH_SYSTEM, {})
    require_in_embedding(tokenizer, ids, num_rows=len(tokenizer))
    with pytest.raises(ConfigError, match=r"a prompt holds '\\\\boxed\{', token \d+, and the embedding of the model"):
        require_in_embedding(tokenizer, ids, num_rows=len(tokenizer) - 1)
