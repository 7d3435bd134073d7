"""What is wrong with a step's numbers is found: each limit is missed once."""

import json

import pytest
from readings import (
    Files,
    kernel_errors,
    no_run_folder,
    planned_bytes,
    rollout_parts,
    same_loss_as_on_the_card,
    same_step_as_trl,
    same_step_by_both_backends,
    trained_run,
)


@pytest.fixture
def files(tmp_path):
    out, runs = tmp_path / "out", tmp_path / "runs"
    out.mkdir()
    runs.mkdir()
    return Files(out, runs)


def put(files, name, content):
    (files.out / name).write_text(json.dumps(content))


def run_folder(files, name, *, losses, status="finished"):
    run = files.runs / name
    run.mkdir()
    (run / "config.json").write_text("{}")
    (run / "summary.json").write_text(json.dumps({"status": status}))
    (run / "metrics.jsonl").write_text("".join(json.dumps({"loss": loss}) + "\n" for loss in losses))
    (run / "plan.json").write_text(json.dumps({"gpus": [{"phases": [{"name": "load", "bytes": 1}]}]}))


@pytest.mark.parametrize(("error", "is_wrong"), [(0.019, False), (0.021, True), (float("nan"), True)])
def test_a_kernel_far_from_fp32(files, error, is_wrong):
    put(files, "kernel_errors.json", {"attention": {"12 x 128, 2 shared": error}, "head": {}})
    assert bool(kernel_errors(files, is_rehearsal=False).problems) == is_wrong


@pytest.mark.parametrize(
    ("side", "is_wrong"),
    [
        ({"loss_difference": 1e-3, "gradient_difference": 1e-2}, False),
        ({"loss_difference": -3e-2, "gradient_difference": 1e-2}, True),
        ({"loss_difference": 1e-3, "gradient_difference": 6e-2}, True),
        ({"loss_difference": float("nan"), "gradient_difference": 0.0}, True),
        ({"failed": "out of memory"}, True),
        ({"peak_bytes": 1}, False),
    ],
)
def test_a_step_that_is_not_that_of_trl(files, side, is_wrong):
    sides = {"trl": {"failed": "out of memory"}, "leanrl": side}
    put(files, "h100-train-step.json", {"rows": [{"case": "lora", "sides": sides}]})
    assert bool(same_step_as_trl(files, is_rehearsal=False).problems) == is_wrong


@pytest.mark.parametrize(
    ("row", "is_wrong"),
    [
        ({"plan_error": {"forward_backward": -0.019}, "upper_minus_driver_used_bytes": 5}, False),
        ({"plan_error": {"forward_backward": -0.021}}, True),
        ({"plan_error": {"forward_backward": 0.051}}, True),
        ({"plan_error": {}, "upper_minus_driver_used_bytes": -1}, True),
        ({"failed": "exit code 1"}, True),
        ({"skipped": "planned at 80 GiB, of 24 GiB"}, False),
    ],
)
def test_a_plan_that_is_not_what_was_allocated(files, row, is_wrong):
    put(files, "h100-gpu-memory.json", {"rows": [{"name": "LoRA", **row}]})
    assert bool(planned_bytes(files, is_rehearsal=False).problems) == is_wrong


@pytest.mark.parametrize(
    ("part", "is_wrong"),
    [
        ({"sleep": {"growth_asleep_bytes": 0}}, False),
        ({"sleep": {"growth_asleep_bytes": 4096}}, True),
        ({"failed": "exit code 1: no message"}, True),
    ],
)
def test_a_part_that_failed_or_grew(files, part, is_wrong):
    put(files, "h100-rollout-vllm.json", {"parts": {"vllm": part}, "ratios": {}})
    assert bool(rollout_parts(files, is_rehearsal=False).problems) == is_wrong


def test_no_results_are_no_pass(files):
    for reader in (same_step_as_trl, planned_bytes, rollout_parts, same_step_by_both_backends):
        assert reader(files, is_rehearsal=False).problems


def test_a_run_that_was_stopped(files):
    run_folder(files, "lora", losses=[0.1], status="stopped")
    assert trained_run(files, is_rehearsal=False).problems == ("lora: status stopped",)


@pytest.mark.parametrize(("loss", "is_wrong"), [(0.1005, False), (0.102, True), (float("nan"), True)])
def test_activations_on_the_host_that_change_a_loss(files, loss, is_wrong):
    run_folder(files, "on_card", losses=[0.1])
    run_folder(files, "on_host", losses=[loss])
    assert bool(same_loss_as_on_the_card(files, is_rehearsal=False).problems) == is_wrong


def test_no_run_to_compare_with_is_a_problem(files):
    run_folder(files, "on_host", losses=[0.1])
    assert same_loss_as_on_the_card(files, is_rehearsal=False).problems


def test_a_refused_run_that_left_a_folder(files):
    assert not no_run_folder(files, is_rehearsal=False).problems
    run_folder(files, "refused", losses=[])
    assert no_run_folder(files, is_rehearsal=False).problems


@pytest.mark.parametrize(("loss", "is_wrong"), [(0.1, False), (0.1005, False), (0.12, True)])
def test_backends_that_differ(files, loss, is_wrong):
    sides = {"hf": {"losses": [0.1], "grad_norms": [1.0]}, "unsloth": {"losses": [loss], "grad_norms": [1.0]}}
    put(files, "h100-backends.json", {"rows": [{"case": "lora", "sides": sides}]})
    assert bool(same_step_by_both_backends(files, is_rehearsal=False).problems) == is_wrong
