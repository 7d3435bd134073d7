"""Host memory beside cards: each part by hand, the verdict on this machine, and a search that keeps to it."""

import pytest

from leanrl.config.load import load_config
from leanrl.errors import DoesNotFitError
from leanrl.planner.machine.this_machine import Gpu, plan_here, require_fit
from leanrl.planner.memory.host_memory import shared_memory_bytes
from leanrl.planner.plan import plan_run, plan_table
from leanrl.planner.search.fit import fit_run
from leanrl.planner.search.fixes import with_changes
from leanrl.planner.text.fit_text import fit_text
from leanrl.planner.text.screen import first_screen
from tests.planner.sample_runs import DISTILL, GIB, cpu_run, four_card_server, single_card

PARAMS = 1_777_088_000  # of DISTILL
PARAMS_7B = 7_615_616_512
MIB = 2**20
# Of DISTILL in bf16: 28 layers of 8 + 1 + 1 + 8 MiB for attention and 3 x 32 for the MLP, embedding and head of 512
# each; biases and norms, at twice their size.
PINNED = (28 * 114 + 2 * 512) * MIB + 2 * 2 * 144_896


def components(config, **changes):
    plan = plan_run(with_changes(config, {key.replace("__", "."): value for key, value in changes.items()}))
    assert plan.host is not None
    return plan.host.components


def full_7b():
    model = {"id": "Qwen/Qwen2.5-7B", "tuning": {"method": "full"}}
    config = single_card("full", gpu="a100-80", model=model, algorithm={"kl_beta": 0.0})
    return with_changes(config, {"optimizer.name": "adamw_offloaded", "rollout.sleep_level": 2})


def test_offloaded_adam_of_7b_takes_91_gb():
    """Two fp32 moments and fp32 masters of bf16 weights; said to fit only where the machine has that."""
    config = full_7b()
    assert components(config)["optimizer state"] == 12 * PARAMS_7B
    assert plan_run(config).verdict == "fits"
    assert plan_run(config, host_bytes=64 * GIB).verdict == "does_not_fit"
    assert plan_run(config, host_bytes=100 * GIB).verdict == "tight"
    assert plan_run(config, host_bytes=128 * GIB).verdict == "fits"


def test_paged_state_is_counted():
    paged = components(single_card("full"), optimizer__name="adamw_8bit_paged")
    assert paged["optimizer state"] == pytest.approx(2 * (1 + 4 / 256) * PARAMS, abs=2)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_reference_at_home_in_host_memory(ranks):
    """A copy for each rank; of shards each keeps its own, one copy in all. Blocks are powers of two."""
    config = with_changes(single_card("full"), {"hardware.num_gpus": ranks, "hardware.parallel": "auto"})
    assert "reference" not in components(config)
    assert components(config, train__reference_device="host")["reference"] == PINNED
    if ranks > 1:
        ddp = components(config, train__reference_device="host", hardware__parallel="ddp")
        assert ddp["reference"] == ranks * PINNED


def test_a_sleeping_engine_keeps_its_weights_at_level_1_alone():
    """In one block each: 8 + 8 MiB for attention, 64 for gate and up of the MLP together and 32 for down."""
    config = single_card("full")
    assert components(config)["sleeping engine"] == (28 * 112 + 2 * 512) * MIB + 2 * 2 * 144_896
    for level in (0, "kv", 2):
        assert "sleeping engine" not in components(config, rollout__sleep_level=level)
    assert "sleeping engine" not in components(single_card("lora"), rollout__share_base="auto")


def test_offloaded_activations():
    """Layer inputs in bf16 of all 28 layers but two, of 6 rows of 4096 tokens and 1536 numbers: 72 MiB.

    Each is in a block of 128 MiB, and shorter micro-batches leave blocks of 64, 32 and so on.
    """
    config = single_card("lora")
    assert "activations" not in components(config)
    assert components(config, train__offload_activations=True)["activations"] == 26 * 2 * 128 * MIB


def test_unsloth_takes_the_same_buffers_for_every_micro_batch():
    """As above, without the blocks of smaller sizes."""
    config = load_config("single-gpu-lora-unsloth").config
    workload = plan_run(config).workload
    layer_input = 2 * workload.micro_batch_tokens * 1536
    assert components(config)["activations"] == 26 * (1 << (layer_input - 1).bit_length())


def test_weights_on_their_way_to_a_server():
    """One copy of the first rank, and one in /dev/shm; over NCCL neither."""
    config = four_card_server()
    assert components(config)["/dev/shm"] == components(config)["copies of weights"] == 2 * PARAMS
    assert "/dev/shm" not in components(config, rollout__weight_transport="nccl")
    plan = plan_run(config)
    assert shared_memory_bytes(plan.shape, plan.workload) == 2 * PARAMS


def test_the_need_is_printed_and_compared_only_with_the_machine_of_the_plan():
    plan = plan_run(full_7b())
    assert f"Host memory needed: {plan.host.bytes / GIB:.1f} GiB (optimizer state 85.1," in plan_table(plan)
    assert plan.to_json()["host"] == {
        "bytes": plan.host.bytes,
        "total_bytes": None,
        "components": plan.host.components,
    }
    here = plan_run(full_7b(), host_bytes=64 * GIB)
    assert f"{here.host.bytes / GIB:.1f} of this machine's 64.0 GiB" in plan_table(here)
    assert "That does not fit." in plan_table(here)
    # Without a GPU the plan is for a card elsewhere, whatever this machine has.
    elsewhere, _ = plan_here(full_7b(), gpu=None, host_bytes=8 * GIB)
    assert (elsewhere.verdict, elsewhere.host.total_bytes) == ("fits", None)
    assert plan_run(cpu_run(), host_bytes=16 * GIB).host is None


def test_a_run_that_host_memory_does_not_hold_is_refused_with_what_it_needs():
    plan, _ = plan_here(full_7b(), gpu=Gpu("NVIDIA A100-SXM4-80GB", int(79.1 * GIB)), host_bytes=64 * GIB)
    with pytest.raises(DoesNotFitError, match=r"Host memory needed: .* of this machine's 64.0 GiB"):
        require_fit(plan)


@pytest.mark.parametrize("host", [8, 16, 32, 128])
@pytest.mark.parametrize("gib", [9, 13, 24])
def test_the_search_keeps_to_the_memory_of_the_machine(gib, host):
    """What is offered fits card and host; the plan and `--fit` agree."""
    config = single_card("full", model={"id": DISTILL, "tuning": {"method": "full"}})
    plan, found = (make(config, vram_bytes=gib * GIB, host_bytes=host * GIB) for make in (plan_run, fit_run))
    assert (plan.verdict == "fits" or bool(plan.fixes)) == found.fits
    for changes in [fix.changes for fix in plan.offers] + [found.changes] * found.fits:
        changed = plan_run(with_changes(config, changes), vram_bytes=gib * GIB, host_bytes=host * GIB)
        assert changed.verdict == "fits", changes


def test_little_host_memory_changes_what_is_found():
    """13 GiB hold a full run with a lean optimizer and the reference elsewhere: in host memory, or in a file."""
    config = with_changes(single_card("full"), {"train.micro_batch_completions": 1})
    roomy = fit_run(config, vram_bytes=13 * GIB, host_bytes=128 * GIB)
    tight = fit_run(config, vram_bytes=13 * GIB, host_bytes=8 * GIB)
    assert roomy.fits
    assert roomy.changes["train.reference_device"] == "host"
    assert tight.fits
    assert tight.changes.get("train.reference_device") != "host"
    nothing = fit_run(config, vram_bytes=13 * GIB, host_bytes=2 * GIB)
    assert not nothing.fits
    assert "Host memory needed" in fit_text(nothing)
    assert "more memory would do" in fit_text(nothing)


def test_the_first_screen_says_where_host_memory_is_what_does_not_fit():
    plan = plan_run(full_7b(), host_bytes=64 * GIB)
    (line,) = [line for line in first_screen(plan) if line.startswith("  host memory ")]
    assert line.endswith(
        f"{plan.host.bytes / GIB:.1f} GiB beside the card's, of this machine's 64.0 GiB: it does not fit"
    )
