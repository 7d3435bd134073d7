"""One base for trainer and vLLM, or two: what the plan counts, says and chooses."""

from dataclasses import replace

import pytest

from leanrl.config.checks.check import find_contradictions
from leanrl.errors import ConfigError
from leanrl.planner.memory.base_sharing import why_separate
from leanrl.planner.models.known_models import KNOWN_MODELS
from leanrl.planner.plan import plan_run, plan_table
from leanrl.planner.search.fit import fit_run
from leanrl.planner.search.fixes import with_changes
from leanrl.planner.time.duration import estimate_step
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.planner.workload import workload_of
from tests.planner.sample_runs import DISTILL, GIB, single_card

SHAPE = KNOWN_MODELS[DISTILL]
BASE_BYTES = 2 * SHAPE.num_params


def lora(**rollout):
    return with_changes(single_card("lora"), {f"rollout.{name}": value for name, value in rollout.items()})


def components(config, phase):
    return next(one for one in plan_run(config).gpus[0].phases if one.name == phase).components


def test_a_shared_base_is_counted_once():
    """1.78 B parameters of 2 bytes: 3.31 GiB less wherever vLLM's own copy was."""
    shared, separate = plan_run(lora(share_base="auto")), plan_run(lora(share_base=False))
    assert shared.kv_cache_bytes == separate.kv_cache_bytes
    assert separate.gpus[0].peak.bytes - shared.gpus[0].peak.bytes == BASE_BYTES
    assert "engine weights" not in components(lora(share_base=True), "rollout")
    assert components(lora(share_base=True), "rollout")["weights"] == BASE_BYTES


@pytest.mark.parametrize(
    ("sleep_level", "share_base", "stays"),
    [
        (0, False, {"engine weights", "KV cache", "engine adapter buffers"}),
        ("kv", False, {"engine weights", "engine adapter buffers"}),
        (1, False, set()),
        (0, "auto", {"KV cache", "engine adapter buffers"}),
        ("kv", "auto", {"engine adapter buffers"}),
        (1, "auto", {"engine adapter buffers"}),  # a shared base stays, so level 1 gives back no more than kv
    ],
)
def test_what_an_engine_holds_while_gradients_are_computed(sleep_level, share_base, stays):
    held = components(lora(sleep_level=sleep_level, share_base=share_base), "forward_backward").keys()
    assert {name for name in held if name.startswith("engine") or name == "KV cache"} == stays | {"engine CUDA graphs"}


def test_the_plan_says_what_is_asked_for_and_what_the_other_would_take():
    shared, separate = plan_run(lora(share_base="auto")), plan_run(lora(share_base=False))
    assert f"share one base (rollout.share_base). With a base each: {taken(separate)}." in plan_table(shared)
    said = f"have a base each: rollout.share_base is false. With one for both: {taken(shared)}."
    assert said in plan_table(separate)
    assert plan_run(single_card("full")).base_note is None


def taken(plan):
    (drawing,) = [phase for phase in plan.gpus[0].phases if phase.name == "rollout"]
    peak = plan.gpus[0].peak.bytes
    return f"{drawing.bytes / GIB:.1f} GiB while generating, a peak of {peak / GIB:.1f} GiB"


def test_generation_reads_the_weights_whoever_holds_them():
    workload, card = workload_of(lora(share_base="auto"), SHAPE), plan_run(lora()).card
    own = replace(workload, shares_base=False)
    lengths = LengthProfile(500, workload.completion_tokens)
    shared, separate = (
        estimate_step(SHAPE, one, card, kv_bytes=GIB, lengths=lengths).generation for one in (workload, own)
    )
    assert shared == separate


@pytest.mark.parametrize(
    ("changes", "shape", "said"),
    [
        ({"rollout.share_base": False}, SHAPE, "rollout.share_base is false"),
        ({"rollout.engine": "hf"}, SHAPE, "hf is no vLLM"),
        ({"model.tuning.method": "qlora"}, SHAPE, "qlora has no frozen base in 16 bit"),
        ({"model.dtype": "float32"}, SHAPE, "the trainer holds float32, and vLLM bfloat16"),
        ({"backend": "unsloth"}, SHAPE, "unsloth's layers"),
        ({}, replace(SHAPE, family="mistral"), "a mistral lies in vLLM's tensors is known for llama and qwen2 alone"),
        ({}, replace(SHAPE, vocab=151937), "vLLM pads the vocabulary of 151937 to a multiple of 64"),
    ],
)
def test_why_a_base_is_not_shared(changes, shape, said):
    config = with_changes(lora(share_base="auto"), changes)
    assert said in str(why_separate(config, shape))
    assert not workload_of(config, shape).shares_base
    if "rollout.share_base" not in changes:
        with pytest.raises(ConfigError, match=r"rollout\.share_base is true"):
            workload_of(with_changes(config, {"rollout.share_base": True}), shape)


@pytest.mark.parametrize(
    ("vllm", "sleep_level", "is_shared"),
    [
        ("0.28.0", 1, False), ("0.30.0", 1, False), ("0.30.0", 0, True), ("0.31.0", 1, True), ("0.31.2", "kv", True),
        (None, 1, True),
    ],
)  # fmt: skip
def test_a_vllm_that_cannot_rest_beside_a_shared_base_has_one_of_its_own(vllm, sleep_level, is_shared):
    """Before 0.31 it gives back the KV cache with its weights alone; at level 0 it gives back nothing."""
    config = lora(share_base="auto", sleep_level=sleep_level)
    plan = plan_run(config, vllm=vllm)
    assert plan.workload.shares_base == is_shared == (why_separate(config, SHAPE, vllm=vllm) is None)
    assert ("engine weights" in {name for phase in plan.gpus[0].phases for name in phase.components}) != is_shared
    said = f"a base each: vllm {vllm} cannot give back the KV cache alone."
    assert (said in plan_table(plan)) != is_shared


def test_no_plan_offers_a_rest_that_this_vllm_has_not():
    """10.45 GiB lack less than the KV cache takes, and 0.30 gives those back together with the weights only."""
    tight = with_changes(lora(sleep_level=0, share_base=False), {"train.micro_batch_completions": 1})
    assert "-s rollout.sleep_level=kv" in plan_run(tight, vram_bytes=int(10.45 * GIB)).fixes
    assert plan_run(tight, vram_bytes=int(10.45 * GIB), vllm="0.30.0").fixes[0] == "-s rollout.sleep_level=1"
    assert fit_run(lora(sleep_level=0), vllm="0.30.0").changes.get("rollout.sleep_level") != "kv"


def test_a_base_that_has_to_be_shared_keeps_an_old_vllm_awake():
    """Every other sleep level would be refused with it; what is found instead is another setting."""
    config = lora(sleep_level=0, share_base=True)
    found = fit_run(config, vram_bytes=10 * GIB, vllm="0.30.0")
    assert found.fits
    assert found.changes
    assert "rollout.sleep_level" not in found.changes
    assert plan_run(config, vram_bytes=8 * GIB, vllm="0.30.0").fixes


def test_a_key_that_stands_in_the_way_is_named_with_the_others():
    config = with_changes(lora(share_base=True), {"model.tuning.method": "qlora"})
    (problem,) = [one for one in find_contradictions(config) if one.where == "rollout.share_base"]
    assert "qlora has no frozen base" in problem.what
