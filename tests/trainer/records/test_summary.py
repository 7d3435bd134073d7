"""summary.json: begun, taken up again, ended."""

import json

import torch

from leanrl.storage.run_folder import RunFolder, write_json
from leanrl.trainer.memory.gauges import choose_gauge
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.records.summary import end_summary, start_summary

METER = PhaseMeter(choose_gauge(torch.device("cpu")))


def test_a_new_summary_holds_its_facts(tmp_path):
    summary = start_summary(RunFolder(tmp_path), preset="small", num_train_rows=8)
    assert summary == {"status": "running", "preset": "small", "num_train_rows": 8}


def test_a_resumed_run_keeps_what_was_measured_before(tmp_path):
    run = RunFolder(tmp_path)
    write_json(run.summary, {"status": "stopped", "greedy_before": 0.25, "preset": "small"})
    assert start_summary(run, preset="small") == {"status": "running", "greedy_before": 0.25, "preset": "small"}


def test_the_end_names_the_newest_checkpoint_and_what_it_cost(tmp_path):
    run = RunFolder(tmp_path)
    for step in (1, 2):
        written = run.partial_checkpoints / str(step)
        written.mkdir(parents=True)
        run.publish_checkpoint(written, step)
    summary = end_summary(run, {"steps": 2}, status="finished", meter=METER)
    assert summary == json.loads(run.summary.read_text())
    assert (summary["status"], summary["steps"], summary["checkpoint"]) == ("finished", 2, "step-000002")
    assert summary["seconds"] > 0
    assert summary["cpu_seconds"] > 0
    assert summary["peak_bytes"]["rss"] > 2**20


def test_without_a_checkpoint_there_is_none_to_name(tmp_path):
    assert end_summary(RunFolder(tmp_path), {}, status="stopped", meter=METER)["checkpoint"] is None
