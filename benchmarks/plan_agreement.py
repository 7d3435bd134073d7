"""The planner's closed form against the simulation of the same step, on many shapes and settings.

    python benchmarks/plan_agreement.py [--only NAME] [--processes 2]

Every row is one rank without a rollout engine (of several GPUs: one rank of FSDP2): the peak of scoring with the
reference, of forward and backward, and of the optimizer step.
Prints a table and writes benchmarks/results/plan-agreement-<date>.json; bytes do not depend on the machine.
"""

import argparse
import json
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.environment import describe_machine
from leanrl.planner.known_models import find_shape
from leanrl.planner.phases import train_phases
from leanrl.planner.shapes import ModelShape
from leanrl.planner.workload import workload_of

RESULTS = Path(__file__).parent / "results"
PHASES = ("reference", "forward_backward", "optimizer_step")
QWEN_15B = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"
QWEN_05B, QWEN_3B = "Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-3B-Instruct"
QWEN3_06B, QWEN3_17B, QWEN3_4B = "Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", "Qwen/Qwen3-4B"
LLAMA_1B, LLAMA_3B = "meta-llama/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-3B-Instruct"
SMOL_135M, SMOL_17B = "HuggingFaceTB/SmolLM2-135M-Instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct"
GEMMA_270M, GEMMA_1B = "google/gemma-3-270m-it", "google/gemma-3-1b-it"
MISTRAL_7B, PHI_4 = "mistralai/Mistral-7B-Instruct-v0.3", "microsoft/Phi-4-mini-instruct"


@dataclass(frozen=True)
class Case:
    """One step: rows of `tokens` tokens (an eighth of them prompt), `rows` of them in a micro-batch.

    `window` slides over `window_layers` layers of a model that is released without; Gemma 3 has windows of its own.
    """

    model: str
    method: str
    rows: int
    tokens: int
    rank: int = 32
    optimizer: str = "adamw"
    dtype: str = "bfloat16"
    checkpointing: bool = True
    kl_beta: float = 0.0
    dropout: float = 0.0
    targets: str = "all-linear"
    adapter_dtype: str = "float32"
    num_gpus: int = 1
    offload: bool = False
    tile_tokens: int | None = None
    window: int | None = None
    window_layers: int = 0
    pack_rows: str = "auto"

    @property
    def name(self) -> str:
        parts = [self.model.rsplit("/", 1)[-1], self.method, f"{self.rows}x{self.tokens}"]
        parts += [f"r{self.rank}"] if self.method != "full" else [self.optimizer]
        parts += [self.dtype] if self.dtype != "bfloat16" else []
        parts += ["bf16 adapter"] if self.adapter_dtype == "bfloat16" else []
        parts += ["kept"] if not self.checkpointing else []
        parts += [f"beta {self.kl_beta}"] if self.kl_beta else []
        parts += [f"dropout {self.dropout}"] if self.dropout else []
        parts += [self.targets] if self.targets != "all-linear" else []
        parts += ["offloaded"] if self.offload else []
        parts += [f"tiles of {self.tile_tokens}"] if self.tile_tokens else []
        parts += [f"window {self.window} in {self.window_layers} layers"] if self.window else []
        parts += ["padded"] if self.pack_rows == "never" else []
        parts += [f"{self.num_gpus} GPUs"] if self.num_gpus > 1 else []
        return " ".join(parts)

    @property
    def shape(self) -> ModelShape:
        released = find_shape(self.model)
        if self.window is None:
            return released
        return replace(released, sliding_window=self.window, num_sliding_layers=self.window_layers)

    def config(self) -> RunConfig:
        prompt_tokens = self.tokens // 8
        overrides = {
            "model.id": self.model,
            "model.dtype": self.dtype,
            "model.compute_dtype": "bfloat16",
            "model.tuning.method": self.method,
            "model.tuning.rank": self.rank,
            "model.tuning.dropout": self.dropout,
            "model.tuning.targets": self.targets,
            "model.tuning.adapter_dtype": self.adapter_dtype,
            "rollout.engine": "hf",
            "rollout.max_prompt_tokens": prompt_tokens,
            "rollout.max_completion_tokens": self.tokens - prompt_tokens,
            "rollout.max_model_tokens": self.tokens,
            "algorithm.kl_beta": self.kl_beta,
            "optimizer.name": self.optimizer,
            "train.gradient_checkpointing": str(self.checkpointing).lower(),
            "train.offload_activations": str(self.offload).lower(),
            "train.tile_tokens": "null" if self.tile_tokens is None else self.tile_tokens,
            "hardware.num_gpus": self.num_gpus,
            "train.num_prompts": 2 * self.num_gpus,
            "train.num_completions": max(2, self.rows),
            "train.micro_batch_completions": self.rows,
            "train.max_tokens_per_micro_batch": "null",
            "train.pack_rows": self.pack_rows,
        }
        return load_config("plain", [f"{key}={value}" for key, value in overrides.items()]).config


CASES = [
    Case(QWEN_15B, "full", 6, 4096),
    Case(QWEN_15B, "full", 1, 4096),
    Case(QWEN_15B, "full", 6, 4096, optimizer="adamw_8bit", kl_beta=0.04),
    Case(QWEN_15B, "full", 2, 2048, dtype="float32"),
    Case(QWEN_15B, "full", 1, 2048, checkpointing=False),
    Case(QWEN_15B, "lora", 6, 4096),
    Case(QWEN_15B, "lora", 1, 4096, kl_beta=0.04),
    Case(QWEN_15B, "lora", 4, 4096, dropout=0.05),
    Case(QWEN_15B, "lora", 2, 8192, rank=128),
    Case(QWEN_15B, "lora", 2, 2048, checkpointing=False),
    Case(QWEN_15B, "qlora", 6, 4096),
    Case(QWEN_15B, "qlora", 1, 4096, rank=16),
    Case(QWEN_15B, "full", 6, 4096, num_gpus=3, kl_beta=0.04),
    Case(QWEN_05B, "full", 2, 2048, num_gpus=2),
    Case(LLAMA_1B, "full", 4, 1024, num_gpus=4),
    Case(QWEN_15B, "lora", 6, 4096, tile_tokens=4096),
    Case(QWEN_15B, "lora", 6, 4096, offload=True, tile_tokens=1024),
    Case(QWEN_15B, "qlora", 6, 4096, offload=True, tile_tokens=1024),
    Case(QWEN_15B, "lora", 6, 4096, offload=True, tile_tokens=1024, adapter_dtype="bfloat16"),
    Case(QWEN_15B, "qlora", 6, 4096, offload=True, tile_tokens=1024, adapter_dtype="bfloat16"),
    Case(QWEN_15B, "full", 6, 4096, offload=True, tile_tokens=3072),
    Case(QWEN_15B, "full", 6, 4096, optimizer="adamw_8bit", offload=True, tile_tokens=3072),
    Case(QWEN3_17B, "full", 4, 2048, tile_tokens=2048),
    Case(PHI_4, "lora", 4, 2048, tile_tokens=2048),
    Case(GEMMA_1B, "lora", 4, 4096, offload=True, tile_tokens=4096),
    Case(QWEN_15B, "lora", 2, 2048, checkpointing=False, tile_tokens=1024),
    Case(QWEN_15B, "lora", 2, 2048, checkpointing=False, tile_tokens=3072),
    Case(QWEN_05B, "full", 8, 1024),
    Case(QWEN_05B, "lora", 8, 8192, rank=8),
    Case(QWEN_05B, "lora", 2, 512, rank=64),
    Case(QWEN_05B, "full", 2, 1024, dtype="float32", kl_beta=0.04),
    Case(QWEN_3B, "lora", 4, 4096, rank=64),
    Case(QWEN_3B, "qlora", 2, 8192),
    Case(QWEN_3B, "full", 1, 2048, optimizer="adamw_8bit"),
    Case(QWEN3_06B, "full", 4, 2048),
    Case(QWEN3_06B, "lora", 8, 4096, rank=8),
    Case(QWEN3_06B, "lora", 1, 512, rank=128),
    Case(QWEN3_17B, "lora", 6, 4096),
    Case(QWEN3_17B, "full", 2, 4096, optimizer="adamw_8bit"),
    Case(QWEN3_4B, "lora", 2, 4096, rank=16),
    Case(QWEN3_4B, "qlora", 4, 2048),
    Case(LLAMA_1B, "full", 4, 2048),
    Case(LLAMA_1B, "lora", 8, 4096, rank=16),
    Case(LLAMA_1B, "lora", 4, 1024, checkpointing=False),
    Case(LLAMA_3B, "lora", 2, 8192),
    Case(LLAMA_3B, "qlora", 6, 2048, rank=64, dropout=0.05),
    Case(SMOL_135M, "full", 8, 512, dtype="float32"),
    Case(SMOL_135M, "lora", 4, 1024, rank=16),
    Case(SMOL_17B, "lora", 6, 2048),
    Case(SMOL_17B, "full", 2, 2048, optimizer="adamw_8bit"),
    Case(GEMMA_270M, "full", 4, 2048),
    Case(GEMMA_270M, "lora", 8, 1024, rank=16),
    Case(GEMMA_1B, "lora", 4, 4096),
    Case(GEMMA_1B, "full", 2, 2048),
    Case(MISTRAL_7B, "lora", 1, 4096),
    Case(MISTRAL_7B, "qlora", 4, 2048, rank=64),
    Case(MISTRAL_7B, "full", 1, 1024, optimizer="adamw_8bit"),
    Case(PHI_4, "lora", 2, 4096),
    Case(PHI_4, "qlora", 6, 2048, rank=16),
    Case(PHI_4, "full", 1, 2048, optimizer="adamw_8bit", kl_beta=0.04),
    Case(LLAMA_1B, "lora", 4, 4096, targets='["q_proj","v_proj"]'),
    Case(QWEN_15B, "lora", 4, 4096, targets='["o_proj","down_proj"]'),
    Case(QWEN3_17B, "lora", 4, 2048, targets='["q_proj","k_proj","v_proj","o_proj"]', rank=8),
    Case(GEMMA_1B, "lora", 8, 448, pack_rows="never"),
    Case(GEMMA_1B, "lora", 2, 512, pack_rows="never"),
    Case(GEMMA_1B, "qlora", 2, 8192, pack_rows="never"),
    Case(GEMMA_1B, "lora", 2, 2048, checkpointing=False, pack_rows="never"),
    Case(GEMMA_270M, "full", 1, 8192, kl_beta=0.04, pack_rows="never"),
    Case(GEMMA_270M, "lora", 4, 4096, offload=True, tile_tokens=1024, pack_rows="never"),
    Case(MISTRAL_7B, "lora", 2, 2048, window=4096, window_layers=32, pack_rows="never"),
    Case(MISTRAL_7B, "lora", 2, 8192, window=4096, window_layers=32, pack_rows="never"),
    Case(MISTRAL_7B, "lora", 1, 4096, window=1024, window_layers=32, checkpointing=False, pack_rows="never"),
    Case(QWEN_05B, "lora", 4, 1024, window=2048, window_layers=12, pack_rows="never"),
    Case(QWEN_05B, "lora", 4, 4096, window=2048, window_layers=12, pack_rows="never"),
    Case(QWEN_15B, "full", 2, 4096, window=1024, window_layers=14, checkpointing=False, pack_rows="never"),
    Case(QWEN_15B, "full", 2, 4096, window=1024, window_layers=14, num_gpus=2, kl_beta=0.04, pack_rows="never"),
    Case(QWEN3_06B, "full", 2, 4096, dtype="float32", window=1024, window_layers=14, pack_rows="never"),
    Case(PHI_4, "lora", 2, 1024, window=2047, window_layers=32, pack_rows="never"),
    Case(PHI_4, "qlora", 2, 4096, window=2047, window_layers=32, tile_tokens=1024, pack_rows="never"),
    Case(QWEN_15B, "lora", 6, 4096, pack_rows="never"),
    Case(QWEN_15B, "full", 6, 4096, optimizer="adamw_8bit", kl_beta=0.04, pack_rows="never"),
    Case(QWEN_15B, "full", 2, 2048, dtype="float32", pack_rows="never"),
    Case(QWEN_05B, "full", 2, 2048, num_gpus=2, pack_rows="never"),
    Case(GEMMA_270M, "full", 4, 2048, pack_rows="never"),
    Case(MISTRAL_7B, "lora", 2, 8192, window=4096, window_layers=32),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name contains this; writes no results")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    cases = [case for case in CASES if asked.only in case.name]
    rows = []
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        for row in pool.map(compare, cases):
            rows.append(row)
            print(f"{row['error']:+8.2%}  {row['simulated_bytes'] / 2**30:7.3f} GiB  {row['phase']:17} {row['name']}")
    errors = sorted(abs(row["error"]) for row in rows)
    summary = {"cases": len(rows), "median_error": statistics.median(errors), "worst_error": errors[-1]}
    print(json.dumps(summary))
    if not asked.only:
        print(write_results({"summary": summary, "rows": rows}))


def compare(case: Case) -> dict[str, Any]:
    """Return planned and simulated peaks of one case; `error` is of the plan, by the larger of the phases."""
    from leanrl.simulate.fake_model import transformers_config
    from leanrl.simulate.step import simulate_step

    config = case.config()
    shape = case.shape
    planned = {phase.name: phase for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase for phase in simulate_step(config, transformers_config(shape)).phases}
    largest = max((simulated[name] for name in PHASES if name in simulated), key=lambda phase: phase.bytes)
    plan_bytes = max(planned[name].bytes for name in PHASES if name in planned)
    return {
        "name": case.name,
        "phase": largest.name,
        "simulated_bytes": largest.bytes,
        "planned_bytes": plan_bytes,
        "error": round(plan_bytes / largest.bytes - 1, 5),
        "phases": {
            name: {"simulated_bytes": simulated[name].bytes, "planned_bytes": planned[name].bytes}
            for name in PHASES
            if name in simulated
        },
        "simulated_categories": largest.categories,
        "planned_components": planned[largest.name].components,
        "case": asdict(case),
    }


def write_results(found: dict[str, Any]) -> Path:
    target = RESULTS / f"plan-agreement-{date.today()}.json"
    about = {"command": "python benchmarks/plan_agreement.py", **describe_machine()}
    target.write_text(json.dumps(about | found, indent=1) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    main()
