"""plan.json: what was measured beside what was planned."""

from leanrl.storage.run_folder import RunFolder, read_json, write_json
from leanrl.trainer.memory.actual import append_actual, record_probe, with_actual
from leanrl.trainer.memory.phase_meter import Peak, as_records
from tests.trainer.small_trainer import Notes, small_config, small_trainer

PLAN = {"preset": "small", "gpus": []}
PEAKS = {"load": Peak(7, 9), "forward_backward": Peak(20, 30)}


def test_an_entry_has_the_shape_that_the_report_draws():
    assert with_actual(PLAN, step=1, peaks_of_ranks=[PEAKS], source="a gauge") == {
        "preset": "small",
        "gpus": [],
        "actual": [
            {
                "step": 1,
                "phases": [
                    {"name": "load", "allocated_bytes": 7, "reserved_bytes": 9},
                    {"name": "forward_backward", "allocated_bytes": 20, "reserved_bytes": 30},
                ],
            }
        ],
        "actual_source": "a gauge",
    }


def test_of_several_ranks_each_has_its_peaks_and_a_phase_the_highest():
    of_ranks = [PEAKS, {"load": Peak(8, 8), "forward_backward": Peak(19, 31)}]
    (entry,) = with_actual(PLAN, step=1, peaks_of_ranks=of_ranks, source="a gauge")["actual"]
    assert entry["phases"] == as_records({"load": Peak(8, 9), "forward_backward": Peak(20, 31)})
    assert entry["ranks"] == [as_records(peaks) for peaks in of_ranks]


def test_entries_of_other_steps_stay_and_one_of_the_same_step_is_replaced():
    """A run that was resumed at step 3 comes to step 5 a second time."""
    plan = PLAN
    for step, size in ((1, 10), (5, 11), (5, 12), (9, 13)):
        plan = with_actual(plan, step=step, peaks_of_ranks=[{"load": Peak(size)}], source="a gauge")
    assert [(entry["step"], entry["phases"][0]["allocated_bytes"]) for entry in plan["actual"]] == [
        (1, 10),
        (5, 12),
        (9, 13),
    ]


def test_without_a_plan_there_is_nothing_to_compare(tmp_path):
    append_actual(RunFolder(tmp_path), step=1, peaks_of_ranks=[PEAKS], source="a gauge")
    record_probe(RunFolder(tmp_path), peaks=PEAKS, num_completions=6, row_tokens=4096)
    assert not RunFolder(tmp_path).plan.exists()


def test_a_probe_stands_beside_the_steps(tmp_path):
    run = RunFolder(tmp_path)
    write_json(run.plan, PLAN)
    record_probe(run, peaks={"reference": Peak(4, 5)}, num_completions=6, row_tokens=4096)
    append_actual(run, step=1, peaks_of_ranks=[PEAKS], source="a gauge")
    plan = read_json(run.plan)
    assert plan["probe"] == {
        "completions": 6,
        "tokens_each": 4096,
        "phases": [{"name": "reference", "allocated_bytes": 4, "reserved_bytes": 5}],
    }
    assert [entry["step"] for entry in plan["actual"]] == [1]


def test_a_training_run_compares_after_steps_1_and_5_and_at_the_end(tiny_model, tmp_path):
    """Six steps with a reference and a checkpoint every step: each phase is there, and none ever shrinks."""
    train = {"max_steps": 6}
    config = small_config(tiny_model, algorithm={"kl_beta": 0.04}, train=train, checkpoints={"every_steps": 1})
    notes = Notes()
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=notes)
    write_json(trainer.run.plan, PLAN)
    trainer.train()
    entries = read_json(trainer.run.plan)["actual"]
    assert [entry["step"] for entry in entries] == [1, 5, 6]
    in_a_step = {"rollout", "grading", "reference", "forward_backward", "optimizer_step"}
    assert {phase["name"] for phase in entries[0]["phases"]} == {"load", *in_a_step}
    assert {phase["name"] for phase in entries[2]["phases"]} == {"load", *in_a_step, "save"}
    sizes = [{phase["name"]: phase["allocated_bytes"] for phase in entry["phases"]} for entry in entries]
    for name, first in sizes[0].items():
        assert 100 * 2**20 < first <= sizes[1][name] <= sizes[2][name]
    for metrics in notes.steps:
        assert set(metrics["phase_peak_bytes"]) == in_a_step
        highest = max(peak["allocated"] for peak in metrics["phase_peak_bytes"].values())
        assert highest <= metrics["peak_bytes"]["rss"]
