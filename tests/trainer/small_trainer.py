"""A trainer on a tiny model, built as the pipeline builds it, and a listener that remembers."""

import torch
from transformers import AutoTokenizer

from leanrl.config.schema import RunConfig
from leanrl.models.adapters.adapter import with_adapter
from leanrl.models.load import load_policy
from leanrl.models.locate import LocatedModel
from leanrl.rewards.registry import WeightedReward
from leanrl.storage.run_folder import RunFolder, create_run_folder
from leanrl.trainer.build import build_trainer
from leanrl.types import Row


class Notes:
    """A listener that keeps what it hears."""

    def __init__(self):
        self.said, self.warned, self.steps = [], [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)

    def step(self, metrics, *, max_steps):
        self.steps.append(metrics)


def small_config(folder, **sections):
    """Return a run of two steps on the model in `folder`; `sections` replace keys, section by section."""
    values = {
        "name": "small",
        "model": {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": {"rank": 4}},
        "hardware": {"num_gpus": 0, "device": "cpu"},
        "rollout": {"max_completion_tokens": 8},
        "rewards": {"variety": 1.0},
        "optimizer": {"learning_rate": 1.0e-3},
        "train": {
            "max_steps": 2,
            "num_prompts": 2,
            "num_completions": 4,
            "micro_batch_completions": 4,
            "gradient_checkpointing": False,
        },
        "checkpoints": {"every_steps": 1, "keep_last": 2},
    }
    for name, section in sections.items():
        values[name] = values.get(name, {}) | section if isinstance(section, dict) else section
    return RunConfig.model_validate(values)


def small_trainer(config, run_path, *, listener, weights=None, prompt="{i}+{i}=", heldout=(), grader=None):
    """Return trainer, recorder and signal stop; the reward counts different letters, and only `heldout` is graded.

    `weights` is the folder of the model where `config.model.id` is none; `prompt` asks for the sum of {i} and {i}.
    A run folder that exists may come in place of its path: ranks share one.
    """
    folder = weights or config.model.id
    run = run_path if isinstance(run_path, RunFolder) else create_run_folder(run_path)
    torch.manual_seed(0)
    policy = load_policy(config.model, LocatedModel(str(folder), None, "folder"), device="cpu")
    model, adapter = with_adapter(policy, config.model.tuning)
    return build_trainer(
        config,
        model=model,
        adapter=adapter,
        tokenizer=AutoTokenizer.from_pretrained(folder),
        rows=[
            Row(str(i), f"{i}+{i}", gold=str(2 * i), asked_by=prompt.format(i=i), columns={"in_a_row": -(i % 3)})
            for i in range(8)
        ],
        rewards=[WeightedReward("variety", config.rewards["variety"], None, lambda sample: len(set(sample.text)) / 10)],
        grader=grader,
        run=run,
        listener=listener,
        heldout=heldout,
    )
