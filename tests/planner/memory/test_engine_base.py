"""What the plan makes of the base that vLLM holds beside the trainer's: in NF4, in 16 bits and in fp32."""

from leanrl.planner.plan import plan_run
from tests.planner.sample_runs import DISTILL, GIB, single_card


def rollout_phase(base):
    rollout = {"engine": "vllm-colocate", "max_completion_tokens": 3584, "base": base}
    plan = plan_run(single_card("qlora", rollout=rollout))
    return next(phase.components for phase in plan.gpus[0].phases if phase.name == "rollout")


def test_both_bases_are_counted():
    """1.777e9 weights, of which 1.310e9 are quantised: 3.31 GiB in 16 bit, 1.50 in NF4."""
    original, nf4 = rollout_phase("original"), rollout_phase("nf4")
    assert original["weights"] == nf4["weights"] == nf4["engine weights"]
    assert round(original["engine weights"] / GIB, 2) == 3.31
    assert round(nf4["engine weights"] / GIB, 2) == 1.50


def test_vllm_computes_in_the_dtype_of_the_run():
    """A sequence of 4,096 tokens has 112 MiB of KV cache in bf16, and weights and cache are twice as large in fp32."""
    phases = {}
    for dtype in ("bfloat16", "float32"):
        model = {"id": DISTILL, "tuning": {"method": "lora"}, "dtype": dtype, "compute_dtype": dtype}
        plan = plan_run(single_card("lora", gpu="h200", model=model))
        phases[dtype] = next(phase.components for phase in plan.gpus[0].phases if phase.name == "rollout")
    assert phases["bfloat16"]["KV cache"] == 72 * 112 * 2**20
    for part in ("engine weights", "KV cache", "engine activations", "engine adapter buffers"):
        assert phases["float32"][part] == 2 * phases["bfloat16"][part], part
    assert phases["float32"]["engine CUDA graphs"] == phases["bfloat16"]["engine CUDA graphs"]


def test_the_logits_of_a_scored_text_are_counted():
    """The self-test on another base scores 512 + 256 tokens at 10 bytes a logit of 151,936; NF4 samples 72 tokens."""
    assert rollout_phase("original")["engine sampler"] == 768 * 10 * 151_936
    assert rollout_phase("nf4")["engine sampler"] == 72 * 10 * 151_936


def test_a_smaller_engine_base_is_among_the_fixes():
    plan = plan_run(single_card("qlora", train={"micro_batch_completions": 1}), vram_bytes=7 * GIB)
    assert any("rollout.base=nf4" in fix for fix in plan.fixes), plan.fixes
