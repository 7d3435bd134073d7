"""What a checkpoint costs a run of the 1.5B shape with LoRA, beside a step of the length that its plan predicts.

    python -m benchmarks.training.checkpoint_seconds [--repeats 7]

The trainer, its adapter, its optimizer state and the writer of checkpoints are the real ones at their real sizes; the
step itself is a fake one: gradients of zero, one step of the optimizer. Weights of the base are never computed with,
and the tokenizer has as many entries as the model's. A save is written, and then flushed to this machine's disk, hashed
and renamed beside the next step, as in a run. The step's length is the shortest that `leanrl plan` predicts for the
preset on its own card.
Writes benchmarks/results/checkpoint-seconds-<date>.json.
"""

import argparse
import random
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from benchmarks.memory.gpu_memory_row import model_shape
from benchmarks.results_file import RESULTS, write_results_file
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.machine.environment import describe_machine, quiet_libraries
from leanrl.models.adapters.adapter import with_adapter
from leanrl.planning import plan
from leanrl.report.progress import PlainListener
from leanrl.rewards.registry import WeightedReward
from leanrl.simulate.fake_model import transformers_config
from leanrl.storage.run_folder import create_run_folder
from leanrl.trainer import build
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.types import Row

PRESET = "single-gpu-lora"
_ON_THIS_MACHINE = (
    *("hardware.device=cpu", "hardware.num_gpus=0", "rollout.engine=hf", "rollout.sleep_level=0"),
    *("train.max_tokens_per_micro_batch=null", "train.micro_batch_completions=48", "checkpoints.keep_last=2"),
)
_NUM_TOKENS = 151_643  # of the tokenizer of Qwen2.5 and its distilled models, without the added ones
_MOST_SHARE = 0.02


def main() -> None:
    """Measure, print, and write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="so many checkpoints, of which one warms up")
    parser.add_argument(
        "--in", dest="place", type=Path, help="folder on the disk to measure [the one for temporary files]"
    )
    arguments = parser.parse_args()
    quiet_libraries()
    with tempfile.TemporaryDirectory(dir=arguments.place) as folder:
        row = measured(Path(folder), repeats=arguments.repeats)
    print(row)
    write_results_file(
        RESULTS / f"checkpoint-seconds-{date.today().isoformat()}.json",
        {
            "command": f"python -m benchmarks.training.checkpoint_seconds --repeats {arguments.repeats}",
            **describe_machine(),
            "limit_share": _MOST_SHARE,
            "checkpoint": row,
        },
    )


def measured(folder: Path, *, repeats: int) -> dict[str, Any]:
    """Return the seconds of a checkpoint, its bytes, and its share of the planned steps between two."""
    asked = load_config(PRESET).config
    step_seconds = min(plan(asked).to_json()["time"]["step_seconds_by_mean"].values())
    trainer = _trainer(load_config(PRESET, _ON_THIS_MACHINE).config, folder)
    seconds = [_save_seconds(trainer, step) for step in range(1, repeats + 1)][1:]
    (newest,) = trainer.run.complete_checkpoints()[-1:]
    waited = statistics.median(wait for wait, _ in seconds)
    saved = statistics.median(until for _, until in seconds)
    return {
        "preset": PRESET,
        "trained_parameters": sum(each.numel() for each in trainer.model.parameters() if each.requires_grad),
        "bytes": sum(file.stat().st_size for file in newest.rglob("*") if file.is_file()),
        "waited_seconds": [wait for wait, _ in seconds],
        "seconds_until_on_disk": [until for _, until in seconds],
        "median_waited_seconds": waited,
        "median_seconds_until_on_disk": saved,
        "planned_step_seconds": step_seconds,
        "every_steps": asked.checkpoints.every_steps,
        "share_at_every_step": waited / step_seconds,
        "share": waited / (step_seconds * asked.checkpoints.every_steps),
        "share_if_all_of_it_were_waited_for": saved / (step_seconds * asked.checkpoints.every_steps),
    }


def _save_seconds(trainer: LeanGRPOTrainer, step: int) -> tuple[float, float]:
    """Take a fake step, and return how long its checkpoint keeps the next one waiting, and until it is on the disk."""
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.grad = torch.zeros_like(weight)
    trainer.optimizer.step()
    trainer.lr_scheduler.step()
    trainer.state.global_step = step
    started = time.perf_counter()
    trainer._save_checkpoint(trainer.model, None)
    waited = time.perf_counter() - started
    trainer.publishing.wait()
    return waited, time.perf_counter() - started


def _trainer(config: RunConfig, folder: Path) -> LeanGRPOTrainer:
    torch.manual_seed(0)
    shape = transformers_config(model_shape(tiny=False))
    shape.save_pretrained(folder / "base")
    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(shape, dtype=torch.bfloat16)
    base = base.to_empty(device="cpu")  # it never runs, so that its numbers may be anything
    base.config._name_or_path = base.name_or_path = str(folder / "base")
    model, adapter = with_adapter(base, config.model.tuning)
    with patch.object(build, "require_causal"), patch.object(build, "pack_if_proved"):  # these would run it
        trainer, _, stop = build.build_trainer(
            config,
            model=model,
            adapter=adapter,
            tokenizer=_tokenizer(),
            rows=[Row(id=str(number), problem=f"{number}", gold="0", asked_by=f"{number}") for number in range(64)],
            rewards=[WeightedReward(name, weight, None, lambda _: 0.0) for name, weight in config.rewards.items()],
            grader=None,
            run=create_run_folder(folder / "run"),
            listener=PlainListener(),
        )
    stop.restore()
    trainer.create_optimizer_and_scheduler(num_training_steps=1000)
    return trainer


def _tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of as many made-up entries as the model's has, since every checkpoint has a copy of it."""
    rng = random.Random(0)
    pieces = ["<end>", "<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    known, merges = set(pieces), []
    while len(pieces) < _NUM_TOKENS:
        left, right = rng.choice(pieces[2:]), rng.choice(pieces[2:258])
        if len(left) < 12 and left + right not in known:
            known.add(left + right)
            pieces.append(left + right)
            merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>")


if __name__ == "__main__":
    main()
