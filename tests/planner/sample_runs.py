"""Configs that the planner's tests plan; sizes as in the presets, written out so that presets may change."""

from typing import Any

from leanrl.config.schema import RunConfig

DISTILL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"
GIB = 2**30
# A step of two rows of 2048 tokens that run whole: of a small model's peak most is what its layers add.
SMALL_STEP: dict[str, Any] = {
    "rollout.engine": "hf",
    "rollout.max_prompt_tokens": 256,
    "rollout.max_completion_tokens": 1792,
    "rollout.max_model_tokens": 2048,
    "train.num_prompts": 2,
    "train.num_completions": 2,
    "train.micro_batch_completions": 2,
    "train.max_tokens_per_micro_batch": "null",
    "train.tile_tokens": "null",
    "model.tuning.rank": 8,
}


def run(**sections: Any) -> RunConfig:
    return RunConfig.model_validate({"data": {"generator": "one_digit_sums"}, "rewards": {"accuracy": 1.0}} | sections)


def four_card_server() -> RunConfig:
    """Three cards train all parameters, one serves vLLM: the topology of Open-RS."""
    return run(
        name="four-card-server",
        hardware={"gpu": "a40", "num_gpus": 4},
        model={"id": DISTILL, "dtype": "float32", "tuning": {"method": "full"}},
        rollout={"engine": "vllm-server", "num_gpus": 1, "max_completion_tokens": 3584, "max_model_tokens": 4608},
        algorithm={"kl_beta": 0.04},
    )


def single_card(method: str, *, gpu: str = "rtx4090", **changes: Any) -> RunConfig:
    """One card trains and generates in turns."""
    sections: dict[str, Any] = {
        "name": f"single-{method}",
        "hardware": {"gpu": gpu, "num_gpus": 1},
        "model": {"id": DISTILL, "tuning": {"method": method}},
        "rollout": {"engine": "vllm-colocate", "max_completion_tokens": 3584, "share_base": False},
        "algorithm": {"kl_beta": 0.04},
    }
    return run(**(sections | changes))


def cpu_run() -> RunConfig:
    return run(
        name="on-a-cpu",
        hardware={"num_gpus": 0},
        model={"id": "HuggingFaceTB/SmolLM2-135M-Instruct", "tuning": {"method": "lora", "rank": 16}},
        rollout={"max_prompt_tokens": 128, "max_completion_tokens": 14},
        train={"num_prompts": 4, "num_completions": 8, "micro_batch_completions": 32},
    )
