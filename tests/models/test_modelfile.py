"""A Modelfile asks as the chat template does; its template is filled here as Ollama fills it."""

import re

import pytest

from leanrl.config.schema import RunConfig
from leanrl.data.prompts import build_prompt
from leanrl.models.modelfile import modelfile, read_exchange
from leanrl.rendering import prompt_text
from leanrl.stopping import Stopping
from tests.models import templates
from tests.tiny_model import CHAT_TEMPLATE, make_tiny_tokenizer

SYSTEM = "Put the answer in \\boxed{}."
WORDS = "Add {problem}, and say {{why}}: \\boxed{"


def tokenizer_with(template: str | None):
    tokenizer = make_tiny_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


def config_with(**data) -> RunConfig:
    model = {"chat_template_kwargs": {"enable_thinking": False}}
    return RunConfig.model_validate({"data": {"prompt_template": WORDS} | data, "model": model})


def filled(template: str, *, system: str | None, prompt: str, response: str = "") -> str:
    """Fill a template of Go's that has one `if .System`, the three fields, and quoted braces."""
    condition = re.compile(r"\{\{ if \.System \}\}(.*?)\{\{ else \}\}(.*?)\{\{ end \}\}", re.S)
    chosen = condition.sub(lambda found: found[1] if system else found[2], template)
    values = {".System": system or "", ".Prompt": prompt, ".Response": response, '"{{"': "{{", '"{"': "{"}
    return re.sub(r"\{\{ (\.\w+|\"\{+\") \}\}", lambda found: values[found[1]], chosen)


@pytest.mark.parametrize(
    "template",
    [CHAT_TEMPLATE, templates.PLAIN, templates.MERGES_SYSTEM, templates.CUTS_THINKING, templates.SWITCHES_THINKING],
)
@pytest.mark.parametrize("system", [SYSTEM, None])
def test_ollamas_prompt_is_the_prompt_of_training(template: str, system: str | None) -> None:
    tokenizer, config = tokenizer_with(template), config_with(system_prompt=system)
    prompt = build_prompt("3 + 4", template=WORDS, system_prompt=system)
    asked = prompt_text(tokenizer, prompt, config.model.chat_template_kwargs)
    exchange = read_exchange(tokenizer, config)
    assert exchange is not None
    go_template = exchange.go_template(WORDS)
    assert f'TEMPLATE """{go_template}"""' in modelfile("m.gguf", tokenizer, Stopping((2,), 0), config)
    before_answer = go_template.split("{{ .Response }}")[0]
    assert filled(before_answer, system=system, prompt="3 + 4") == asked


def test_an_answer_is_closed_before_the_next_question() -> None:
    """Two exchanges, one behind the other, are what the template makes of the conversation."""
    tokenizer, config = tokenizer_with(CHAT_TEMPLATE), config_with(prompt_template="{problem}")
    exchange = read_exchange(tokenizer, config)
    assert exchange is not None
    go_template = exchange.go_template("{problem}")
    turns = [("1 + 1", "2"), ("3 + 4", "")]
    filled_turns = "".join(filled(go_template, system=None, prompt=ask, response=answer) for ask, answer in turns)
    messages = [
        {"role": "user", "content": "1 + 1"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "3 + 4"},
    ]
    assert filled_turns.removesuffix(exchange.behind_answer) == prompt_text(tokenizer, messages, {})


def test_every_end_the_system_message_the_examples_and_the_lengths_are_there() -> None:
    config = config_with(
        system_prompt=SYSTEM, examples=[{"problem": "1 + 1", "answer": 'It is "2"'}], prompt_template="{problem}"
    )
    lines = modelfile("m.gguf", make_tiny_tokenizer(), Stopping((2, 0), 0), config).splitlines()
    assert lines[0] == "FROM ./m.gguf"
    assert f'SYSTEM """{SYSTEM}"""' in lines
    assert 'MESSAGE user """1 + 1"""' in lines
    assert 'MESSAGE assistant """It is "2" """' in lines
    assert [line for line in lines if "stop" in line] == [
        'PARAMETER stop """<|im_end|>"""',
        'PARAMETER stop """<|endoftext|>"""',
    ]
    assert f"PARAMETER num_predict {config.rollout.max_completion_tokens}" in lines
    assert "PARAMETER temperature 1" in lines


@pytest.mark.parametrize("template", [None, templates.BROKEN, templates.EMPTY])
def test_a_template_that_cannot_be_read_off_is_left_to_ollama(template: str | None) -> None:
    text = modelfile("m.gguf", tokenizer_with(template), Stopping((2,), 0), config_with())
    assert "TEMPLATE" not in text
    assert "Ollama takes the GGUF file's" in text


def test_a_template_without_a_system_turn_has_no_place_for_one() -> None:
    exchange = read_exchange(tokenizer_with(templates.NO_SYSTEM), config_with())
    assert exchange is not None
    assert exchange.before_system is None
    assert ".System" not in exchange.go_template("{problem}")
