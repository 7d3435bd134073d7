"""`leanrl plan` through the real command line: bad input, and a user's own card."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.run import leanrl

SMALL = {
    "model_type": "qwen2",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
}
WITHOUT_FORMULA = {"model_type": "biogpt", "architectures": ["BioGptForCausalLM"]}
LORA = ("-p", "single-gpu-lora")
FEW = ["rollout.max_prompt_tokens=32", "rollout.max_completion_tokens=64", "rollout.max_model_tokens=96"]
FEW += ["train.num_prompts=2", "train.num_completions=4"]


def plan(*arguments):
    return leanrl("plan", *arguments)


def plan_model(folder, config, *flags):
    (folder / "config.json").write_text(json.dumps(config))
    return plan(*LORA, "-s", f"model.id={folder}", *flags)


def assert_refused(outcome, *, code=2, says):
    """A message and a way out on stderr, nothing on stdout, and no traceback."""
    assert (outcome.code, outcome.out) == (code, "")
    assert says in outcome.err
    assert "hint: " in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("family", ["of_tomorrow", None])
def test_a_family_that_nothing_knows(tmp_path, family):
    """Both reasons: no formula, and no model of transformers."""
    outcome = plan_model(tmp_path, {**SMALL, "model_type": family})
    assert_refused(outcome, says="for whose layers the planner has no formula")
    assert "is no model that transformers knows" in outcome.err


def test_a_family_without_a_formula_is_simulated(tmp_path):
    """The plan says where its bytes come from; the second time they are read. The micro-batch is sought among few."""
    values, few = {**SMALL, **WITHOUT_FORMULA}, [word for size in FEW for word in ("-s", size)]
    first, second = (plan_model(tmp_path, values, "--details", *few) for _ in range(2))
    assert first.code == 0, first.err
    assert first.err.count("simulating a step") > 1
    assert "Training memory simulated" in first.out
    assert "biogpt', for whose layers the planner has no formula" in first.err
    assert "simulating a step" in first.err
    assert "simulating a step" not in second.err
    assert second.out == first.out


@pytest.mark.parametrize(("key", "size"), [("vocab_size", -5), ("num_hidden_layers", 0), ("hidden_size", "wide")])
def test_sizes_of_a_model_that_make_no_sense(tmp_path, key, size):
    assert_refused(plan_model(tmp_path, {**SMALL, key: size}), says=f"config.json: {key} is {size!r}; it must be")


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("train.num_prompts=0", "train.num_prompts: must be a whole number > 0, is 0"),
        ("rollout.max_completion_tokens=-1", "rollout.max_completion_tokens: must be a whole number > 0, is -1"),
        ("hardware.usd_per_hour=-1", "hardware.usd_per_hour: must be a number >= 0"),
        ("hardware.bf16_tflops=fast", "hardware.bf16_tflops: must be a number > 0"),
    ],
)
def test_sizes_of_a_run_that_make_no_sense(flag, says):
    outcome = plan("-s", flag)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err


@pytest.mark.parametrize("gib", ["0", "-4", "nan", "inf"])
def test_a_card_without_memory(gib):
    outcome = plan("--vram", gib)
    assert (outcome.code, outcome.out) == (2, "")
    assert "hardware.vram_gib: must be a number > 0" in outcome.err


def test_an_unknown_card_gets_the_nearest_name():
    assert_refused(plan(*LORA, "--gpu", "rtx390"), says="the card 'rtx390' is not known. Did you mean 'rtx3090'?")


def test_zero_gpus():
    assert_refused(
        plan(*LORA, "--num-gpus", "0"), says="a GPU is to train, but there are 0 (hint: `-s hardware.num_gpu"
    )


def test_more_ranks_than_prompts():
    """Of 16 cards one serves, 15 train, and a step has 12 prompts; 13 cards train with one prompt each."""
    outcome = plan("--num-gpus", "16")
    assert_refused(outcome, says="15 training ranks are more than the 12 prompts of a step")
    assert "train.num_prompts=15 works, and so does hardware.num_gpus=13" in outcome.err
    assert plan("--num-gpus", "13").code == 0


def test_groups_that_ranks_cannot_divide():
    """12 prompts over 5 ranks; 10 or 15 prompts would, and so would 4 ranks and the card that serves."""
    outcome = plan("--num-gpus", "6")
    assert_refused(outcome, says="12 prompts x 6 completions over 5 training ranks do not divide evenly")
    assert "train.num_prompts=10 or 15 works, and so does hardware.num_gpus=5" in outcome.err
    for flags in (("--num-gpus", "6", "-s", "train.num_prompts=10"), ("--num-gpus", "5")):
        assert plan(*flags).code == 0


def test_groups_that_micro_batches_cannot_divide():
    """24 completions of a rank in passes of 5: it runs, and it is said which sizes would fill every pass."""
    outcome = plan("-s", "train.micro_batch_completions=5")
    assert outcome.code == 0
    assert "5 does not divide the 24 completions of a rank: the last of 5 passes holds 4. 4 or 6 would." in outcome.err


def test_a_reader_that_leaves_is_no_failure():
    """`leanrl plan | head -1`, where head is gone before the plan is made: nobody reads, and nothing went wrong."""
    for_nobody, closed = os.pipe()[::-1]
    os.close(closed)
    with os.fdopen(for_nobody, "wb") as pipe:
        for arguments in (["plan", "-p", "a40x4-full-exp2"], ["plan", "-p", "a40x4-full-exp2", "--json"], ["presets"]):
            command = [sys.executable, "-m", "leanrl", *arguments]
            done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False)
            assert (done.returncode, done.stderr) == (0, b"")
        refused = subprocess.run(
            [sys.executable, "-m", "leanrl", "plan", "--gpu", "none"], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
        assert refused.returncode == 2


def test_a_price_of_ones_own():
    """The same hours at twice the price cost twice as much, and the plan says whose price it is."""
    one, two = (json.loads(plan("--json", "-s", f"hardware.usd_per_hour={usd}").out) for usd in ("0.5", "1.0"))
    assert one["time"] == two["time"]
    assert two["cost_usd"] == pytest.approx(2 * one["cost_usd"], abs=0.02)
    assert (
        "$0.50 an hour and card, as given (hardware.usd_per_hour)"
        in plan("-s", "hardware.usd_per_hour=0.5", "--details").out
    )


def test_a_card_of_ones_own():
    """Without a name, three numbers make a card: the 4090's own give the 4090's plan."""
    own = (
        "hardware.gpu=null",
        "hardware.vram_gib=23.5",
        "hardware.bandwidth_gb_per_second=1008",
        "hardware.bf16_tflops=165.2",
    )
    made = json.loads(plan(*LORA, "--json", *(part for setting in own for part in ("-s", setting))).out)
    named = json.loads(plan(*LORA, "--json", "--gpu", "rtx4090").out)
    assert made["gpus"] == named["gpus"]
    assert made["time"] == named["time"]
    assert (made["cost_usd"], named["cost_usd"] is None) == (None, False)


def test_exact(tmp_path):
    """The simulation beside the plan, its progress on stderr; of a family that only transformers knows, no plan."""
    small = [word for size in [*FEW, "train.max_tokens_per_micro_batch=192"] for word in ("-s", size)]
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, "head_dim": 16}))
    known = plan(*LORA, "-s", f"model.id={tmp_path}", *small, "--exact", "--json")
    assert known.code == 0
    found = json.loads(known.out)
    assert found["exact"]["peak_phase"] == "forward_backward"
    assert found["verdict"] == found["exact"]["verdict_by_formula"] == "fits"
    assert found["source"] == "simulation"
    assert known.err.splitlines() == [
        f"simulating a step of {tmp_path} (lora): a minute or less",
        "building 2 layers of qwen2, 64 wide, without weights",
        "scoring 2 rows of 96 tokens with the reference policy",
        "micro-batch 2 of 2: 2 rows of 96 tokens, forward and backward",
        "optimizer step: adamw",
    ]
    fitted = json.loads(plan(*LORA, "-s", f"model.id={tmp_path}", *small, "--fit", "--exact", "--json").out)
    assert fitted["flags"] != ""
    assert fitted["exact"]["peak_bytes"] > found["exact"]["peak_bytes"], "without checkpointing it is faster, and fits"
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, **WITHOUT_FORMULA}))
    unknown = plan(*LORA, "-s", f"model.id={tmp_path}", *small, "--exact", "--details")
    assert unknown.code == 0
    assert "for whose layers the planner has no formula" in unknown.err
    assert "Training memory simulated" in unknown.out
    assert "Simulated on one training rank" in unknown.out


def test_lengths_of_a_users_own_are_planned_and_named():
    shown = plan(*LORA, "--lengths", "mean=600,cut=0.1")
    assert shown.code == 0
    assert "mean 600 tokens of at most 3584, 10 % cut (--lengths)" in shown.out


def test_lengths_that_cannot_be_read_are_refused():
    assert_refused(plan(*LORA, "--lengths", "means=600"), says="means: is no part of lengths (hint: Did you mean")


def test_a_sample_gives_the_lengths_and_its_flags(tiny_model):
    """Through the command line, with a random model on this CPU; the flags are for the next plan."""
    sums = ("-s", "data.generator=one_digit_sums", "-s", "rollout.max_completion_tokens=4")
    shown = plan(*LORA, "-s", f"model.id={tiny_model}", *sums, "--measure")
    assert shown.code == 0, shown.err
    assert "measured: -s rollout.lengths.mean_tokens=" in shown.err
    assert f"(32 completions of {tiny_model})" in shown.out
