"""A child's program: two steps of leanrl's trainer for a backend, on a tiny model with an adapter of PEFT's.

    python -m tests.unsloth.train_steps hf|unsloth MODEL_FOLDER RUNS_FOLDER CASE...

A case is an average, or `corrected`: completions whose log-probabilities come from elsewhere, as vLLM's do. Prints one
JSON object for each: the trainer's classes, which of its methods were called how often, and what came of them. Both
backends train on the same completions.
"""

import functools
import json
import math
import random
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.checkpoint_files import LEDGER
from leanrl.storage.run_folder import read_jsonl
from tests.unsloth.no_card import force_patch, give_switches

HOOKS = (
    "_calculate_rewards",
    "_generate",
    "_generate_and_score_completions",
    "_generate_single_turn",
    "_prepare_inputs",
    "_save_checkpoint",
    "compute_loss",
    "create_optimizer",
    "training_step",
)


CORRECTED = "corrected"
EQUALLY_LONG = [f"{i}+{i}=" for i in range(8)]
OF_ANY_LENGTH = [f"{'so ' * (i % 3)}{i}+{i}=" for i in range(8)]


def main(backend: str, folder: str, runs: str, *cases: str) -> None:
    if backend == "unsloth":
        import unsloth  # noqa: F401 - before everything that it patches

        force_patch()
        from leanrl.trainer.unsloth.patch import require_patched_trl

        require_patched_trl()

    from leanrl.trainer.unsloth.trainer import UnslothTrainer

    calls = Counter()
    for hook in (*HOOKS, "_compute_loss"):
        _count(UnslothTrainer, hook, calls)
    outcomes = {}
    for case in cases:
        calls.clear()
        trainer, listener = _trainer(backend, folder, Path(runs, case), case)
        _fix_completions(trainer, case)
        trainer.train_from(None)
        outcomes[case] = _outcome(trainer, listener) | {"calls": dict(calls)}
    print(json.dumps(outcomes))


def _outcome(trainer, listener):
    trained = [(name, weight) for name, weight in trainer.model.named_parameters() if weight.requires_grad]
    return {
        "classes": [cls.__name__ for cls in type(trainer).__mro__],
        "steps": listener.steps,
        "completions": [list(read_jsonl(path)) for path in sorted(trainer.run.completions.iterdir())],
        "visits": _visits(trainer.run.ledger),
        "visits_of_checkpoint": _visits(trainer.run.complete_checkpoints()[-1] / LEDGER),
        "checkpoints": [path.name for path in trainer.run.complete_checkpoints()],
        "lora_b_norms": [weight.norm().item() for name, weight in trained if "lora_B" in name],
    }


def _visits(ledger):
    return [[prompt, asdict(visit)] for prompt, visit in RunLedger.load(ledger)]


def _count(owner, name, calls):
    method = getattr(owner, name)

    @functools.wraps(method)
    def counted(*args, **kwargs):
        calls[name] += 1
        return method(*args, **kwargs)

    setattr(owner, name, counted)


def _fix_completions(trainer, case):
    """Let generation run, and train on tokens of the step's number: rounding in a weight may turn a drawn one.

    A tiny model gives each of its tokens about -log(vocabulary): ratios to these log-probabilities lie on both sides
    of the 2 at which they are cut.
    """
    from leanrl.trainer.rollouts.bridge import Rollout

    generate = trainer.draw
    vocabulary = range(trainer.model.config.vocab_size)
    without_padding = [token for token in vocabulary if token != trainer._tokenizer.pad_token_id]

    def fixed(beginnings_B):
        chance = random.Random(trainer.state.global_step)
        if case != CORRECTED:
            generate(beginnings_B)
            return Rollout([chance.choices(vocabulary, k=chance.randint(4, 8)) for _ in beginnings_B], None)
        completions = [chance.choices(without_padding, k=6) for _ in beginnings_B]
        typical = -math.log(len(vocabulary))
        logprobs_B = [[chance.uniform(typical - 1.5, typical + 1.0) for _ in one] for one in completions]
        return Rollout(completions, logprobs_B)

    trainer.draw = fixed


def _trainer(backend, folder, run_path, case):
    from leanrl.trainer import grpo
    from tests.trainer.small_trainer import small_config

    config = small_config(
        folder,
        backend=backend,
        algorithm={"kl_beta": 0.04, "aggregation": "batch_token_mean" if case == CORRECTED else case},
        rollout={"engine": "vllm-server" if case == CORRECTED else "hf"},
        checkpoints={"every_steps": 2, "keep_last": 1},
        log={"completions_every_steps": 1},
    )
    if case == CORRECTED:
        grpo.open_rollout = lambda *_: None  # nothing is asked for completions
    prompts = OF_ANY_LENGTH if case == CORRECTED else EQUALLY_LONG
    return build(config, adapted(folder, config), run_path, prompts=prompts)


def adapted(folder, config):
    """Return the model in a folder with an adapter of PEFT's, and unsloth's switches."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    from leanrl.models.adapters.adapter import lora_config

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return give_switches(get_peft_model(base, lora_config(config.model.tuning)))


def build(config, model, run_path, *, prompts=EQUALLY_LONG):
    """Return leanrl's trainer for a model that has its adapter, and what listens to it."""
    from transformers import AutoTokenizer

    from leanrl.rewards.registry import WeightedReward
    from leanrl.storage.run_folder import create_run_folder
    from leanrl.trainer.build import build_trainer
    from leanrl.types import Row
    from tests.trainer.small_trainer import Notes

    listener = Notes()
    trainer, _, _ = build_trainer(
        config,
        model=model,
        adapter=None,
        tokenizer=AutoTokenizer.from_pretrained(config.model.id),
        rows=[Row(id=str(i), problem=f"{i}+{i}", gold=str(2 * i), asked_by=prompt) for i, prompt in enumerate(prompts)],
        rewards=[WeightedReward("variety", 1.0, None, lambda sample: len(set(sample.text)) / 10)],
        grader=None,
        run=create_run_folder(run_path),
        listener=listener,
    )
    return trainer, listener


if __name__ == "__main__":
    main(*sys.argv[1:])
