"""A child's program: a side of benchmarks/training/backends.py on a tiny model with an adapter of PEFT's.

    python -m tests.unsloth.backend_steps hf|unsloth MODEL_FOLDER RUNS_FOLDER

Prints what the side describes of two steps.
"""

import json
import sys
from pathlib import Path

from tests.unsloth.no_card import force_patch, give_switches


def main(backend: str, folder: str, runs: str) -> None:
    if backend == "unsloth":
        import unsloth  # noqa: F401 - before everything that it patches

        force_patch()
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from benchmarks.training.backends import TINY_SCALE
    from benchmarks.training.backends_side import Steps, config_of, describe, make_trainer
    from benchmarks.training.train_step_case import Case, make_step
    from leanrl.models.adapters.adapter import lora_config

    case, listener = Case("lora", 0.04, "mix"), Steps()
    step = make_step(case, TINY_SCALE)
    config = config_of(backend, case, TINY_SCALE, device="cpu", num_steps=2)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    policy = give_switches(get_peft_model(base, lora_config(config.model.tuning))), None
    tokenizer = AutoTokenizer.from_pretrained(folder)
    trainer = make_trainer(config, step, Path(runs), policy=policy, tokenizer=tokenizer, listener=listener)
    trainer.train_from(None)
    print(json.dumps(describe(listener.metrics, listener.seconds, step, source=type(trainer).__name__)))


if __name__ == "__main__":
    main(*sys.argv[1:])
