"""A Modelfile asks as the chat template does; its template is filled here as Ollama fills it."""

import json
import re

import pytest

from leanrl.config.schema import RunConfig
from leanrl.data.prompts import build_prompt
from leanrl.models.gguf.modelfile import modelfile, read_fixed_text
from leanrl.prompting.rendering import prompt_text
from leanrl.prompting.stopping import Stopping
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


def filled(template: str, messages) -> str:
    """Fill a template of Go's as Ollama does, with the actions that a Modelfile of leanrl's has."""
    parts = re.split(r"\{\{ (.*?) \}\}", template)
    system = next((one["content"] for one in messages if one["role"] == "system"), "")
    loop, opening = _loop_and_rest(parts)
    text = "".join(_fill(loop, {"i": i, "system": system, **one}) for i, one in enumerate(messages))
    return text + _fill(opening, {})


def _loop_and_rest(parts: list[str]) -> tuple[list[str], list[str]]:
    assert (parts[0], parts[1]) == ("", "range $i, $_ := .Messages")
    depth = 1
    for index in range(3, len(parts), 2):
        depth += parts[index].startswith("if ") - (parts[index] == "end")
        if depth == 0:
            return parts[2:index], parts[index + 1 :]
    raise AssertionError("the range has no end")


def _fill(parts: list[str], values) -> str:
    """Each entry of `states` tells whether a branch is written, and whether one of its siblings was."""
    out, states = [], [(True, True)]
    conditions = {
        'eq .Role "system"': lambda: values["role"] == "system",
        'eq .Role "user"': lambda: values["role"] == "user",
        'eq .Role "assistant"': lambda: values["role"] == "assistant",
        "eq $i 0": lambda: values["i"] == 0,
        "and (eq $i 1) $.System": lambda: values["i"] == 1 and values["system"],
    }
    for index, part in enumerate(parts):
        writes = all(shown for shown, _ in states)
        if index % 2 == 0:
            out.append(part if writes else "")
        elif part.startswith("if "):
            holds = bool(conditions[part.removeprefix("if ")]())
            states.append((holds, holds))
        elif part.startswith("else"):
            _, taken = states.pop()
            holds = not taken and (part == "else" or bool(conditions[part.removeprefix("else if ")]()))
            states.append((holds, taken or holds))
        elif part == "end":
            states.pop()
        elif writes:
            out.append(values["content"] if part == ".Content" else json.loads(part))
    return "".join(out)


EXAMPLES = [{"problem": "1 + 1", "answer": "{{2}}"}, {"problem": "2 + 2", "answer": "4"}]


@pytest.mark.parametrize(
    "template",
    [
        CHAT_TEMPLATE,
        templates.PLAIN,
        templates.OWN_SYSTEM,
        templates.MERGES_SYSTEM,
        templates.CUTS_THINKING,
        templates.SWITCHES_THINKING,
    ],
)
@pytest.mark.parametrize("system", [SYSTEM, None])
@pytest.mark.parametrize("examples", [[], EXAMPLES])
def test_ollamas_prompt_is_the_prompt_of_training(template: str, system: str | None, examples) -> None:
    tokenizer = tokenizer_with(template)
    config = config_with(system_prompt=system, examples=examples)
    prompt = build_prompt("3 + 4", template=WORDS, system_prompt=system, examples=config.data.examples)
    asked = prompt_text(tokenizer, prompt, config.model.chat_template_kwargs)
    fixed = read_fixed_text(tokenizer, config)
    assert fixed is not None
    go_template = fixed.go_template(WORDS)
    assert f'TEMPLATE """{go_template}"""' in modelfile("m.gguf", tokenizer, Stopping((2,), 0), config)
    shown = [
        turn
        for example in examples
        for turn in (
            {"role": "user", "content": example["problem"]},
            {"role": "assistant", "content": example["answer"]},
        )
    ]
    given = [] if system is None else [{"role": "system", "content": system}]
    assert filled(go_template, [*given, *shown, {"role": "user", "content": "3 + 4"}]) == asked


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
    fixed = read_fixed_text(tokenizer_with(templates.NO_SYSTEM), config_with())
    assert fixed is not None
    assert fixed.before_system is None
    go_template = fixed.go_template("{problem}")
    assert "ystem" not in go_template
    asked = [{"role": "user", "content": "3 + 4"}]
    assert filled(go_template, asked) == prompt_text(tokenizer_with(templates.NO_SYSTEM), asked, {})
