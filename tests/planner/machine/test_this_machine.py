"""The plan on the card that is here: names that drivers give, bytes that they have, what is said and refused."""

import pytest

from leanrl.errors import ConfigError, DoesNotFitError
from leanrl.planner.machine.cards import CARDS
from leanrl.planner.machine.this_machine import Gpu, plan_here, require_fit, tight_warning
from leanrl.planner.plan import plan_run
from tests.planner.sample_runs import GIB, cpu_run, run, single_card

HOST = 64 * GIB


def test_the_presets_own_card_is_planned_with_the_bytes_it_really_has():
    """An RTX 4090 whose driver offers 23.6 GiB instead of the table's 23.5."""
    gpu = Gpu("NVIDIA GeForce RTX 4090", int(23.6 * GIB))
    plan, note = plan_here(single_card("lora"), gpu=gpu, host_bytes=HOST)
    assert note is None
    assert (plan.card, plan.gpus[0].usable_bytes) == (CARDS["rtx4090"], gpu.total_bytes)


def test_another_card_is_planned_anew_and_said():
    """The A40 takes about 1.5 times the RTX 4090's time to read a byte, and holds more."""
    gpu = Gpu("NVIDIA A40", int(44.34 * GIB))
    plan, note = plan_here(single_card("lora"), gpu=gpu, host_bytes=HOST)
    assert plan.card is CARDS["a40"]
    assert plan.gpus[0].usable_bytes == gpu.total_bytes
    assert plan.step_seconds > plan_run(single_card("lora")).step_seconds
    assert note == ("single-lora was planned for rtx4090; planned anew for the NVIDIA A40 that is here (44.3 GiB).")


@pytest.mark.parametrize("name", ["RTX 4090", "4090", "NVIDIA GeForce RTX 4090"])
def test_another_spelling_of_the_card_that_is_here_is_the_same_card(name):
    gpu = Gpu("NVIDIA GeForce RTX 4090", int(23.6 * GIB))
    plan, note = plan_here(single_card("lora", gpu=name), gpu=gpu, host_bytes=HOST)
    assert (plan.card, note) == (CARDS["rtx4090"], None)


def test_a_name_without_a_size_is_the_card_of_that_name_which_is_here():
    gpu = Gpu("NVIDIA A100 80GB PCIe", int(79.2 * GIB))
    plan, note = plan_here(single_card("lora", gpu="A100"), gpu=gpu, host_bytes=HOST)
    assert (plan.card, note) == (CARDS["a100-80"], None)


def test_a_share_of_the_card_can_be_asked_for_and_no_more_than_there_is():
    gpu = Gpu("NVIDIA A40", int(44.34 * GIB))
    for asked, expected in ((20.0, 20 * GIB), (80.0, gpu.total_bytes)):
        config = single_card("lora", hardware={"gpu": "a40", "num_gpus": 1, "vram_gib": asked})
        plan, note = plan_here(config, gpu=gpu, host_bytes=HOST)
        assert plan.gpus[0].usable_bytes == expected
        assert note is None


def test_an_unknown_card_has_its_bytes_and_no_time():
    gpu = Gpu("NVIDIA RTX PRO 5000 Blackwell", int(47.4 * GIB))
    plan, note = plan_here(single_card("lora"), gpu=gpu, host_bytes=HOST)
    assert (plan.card, plan.step_seconds, plan.verdict) == (None, None, "fits")
    assert plan.gpus[0].usable_bytes == gpu.total_bytes
    assert note.endswith("(47.4 GiB), which is not among the cards known by name.")


def test_a_preset_without_a_card_has_a_plan_where_there_is_one():
    plan, note = plan_here(
        run(name="mine", model={"id": "Qwen/Qwen3-0.6B"}), gpu=Gpu("NVIDIA L4", 22 * GIB), host_bytes=HOST
    )
    assert plan.card is CARDS["l4"]
    assert note.startswith("mine was planned for no card by name; planned anew")


def test_a_card_without_bf16_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"t4: .* has no bf16"):
        plan_here(single_card("lora"), gpu=Gpu("Tesla T4", int(14.6 * GIB)), host_bytes=HOST)


def test_without_a_gpu_the_plan_is_the_configs():
    plan, note = plan_here(single_card("lora"), gpu=None, host_bytes=HOST)
    assert (plan.card, note) == (CARDS["rtx4090"], None)
    assert plan_here(cpu_run(), gpu=None, host_bytes=HOST)[0].gpus[0].usable_bytes == int(0.8 * HOST)


def test_what_cannot_fit_is_refused_with_the_command_that_shows_why():
    plan, _ = plan_here(single_card("full"), gpu=Gpu("NVIDIA something", 16 * GIB), host_bytes=HOST)
    with pytest.raises(DoesNotFitError, match=r"`leanrl plan -p single-full --vram 16.0` shows why") as refused:
        require_fit(plan)
    assert "-s " in refused.value.hint


def test_the_command_that_shows_why_has_the_flags_that_were_typed():
    """A preset of one's own is named after its file, and that name loads nothing."""
    plan, _ = plan_here(single_card("full"), gpu=Gpu("NVIDIA something", 16 * GIB), host_bytes=HOST)
    typed = ["-p", "my file.yaml", "-s", "train.seed=7"]
    with pytest.raises(DoesNotFitError, match=r"`leanrl plan -p 'my file.yaml' -s train.seed=7 --vram 16.0` shows why"):
        require_fit(plan, typed=typed)


def test_what_fits_or_is_tight_is_not_refused():
    for gib in (24, 9):
        require_fit(plan_run(single_card("lora"), vram_bytes=gib * GIB))


def test_a_tight_run_is_warned_of_with_its_sizes_and_the_cheapest_change():
    plan = plan_run(single_card("lora"), vram_bytes=9 * GIB)
    assert plan.verdict == "tight"
    sizes = f"{plan.worst.peak.bytes / GIB:.1f} GiB, at most {plan.worst.upper_bytes / GIB:.1f}, of 9.0"
    assert tight_warning(plan) == f"memory is tight: {sizes}. More room: {plan.fixes[0]}."


def test_vllm_gets_what_the_plan_counted():
    """72 completions of a step in one engine; on four cards with one server the same 72."""
    plan = plan_run(single_card("lora"))
    assert plan.engine_settings == {"kv_cache_memory_bytes": 72 * 4096 * 28_672, "max_num_seqs": 72}
    narrow = plan_run(single_card("lora"), vram_bytes=14 * GIB)
    assert narrow.engine_settings["kv_cache_memory_bytes"] == narrow.kv_cache_bytes < 72 * 4096 * 28_672
    assert narrow.engine_settings["max_num_seqs"] == 72


def test_without_vllm_there_is_nothing_to_set():
    assert plan_run(cpu_run(), host_bytes=HOST).engine_settings == {}
