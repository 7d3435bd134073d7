"""The lines that a run ends with."""

from leanrl.report.outcome import outcome_text

SUMMARY = {
    "status": "finished",
    "preset": "cpu-demo",
    "num_train_rows": 96,
    "num_heldout_rows": 26,
    "num_dropped_rows": 1,
    "greedy_before": 0.3076923076923077,
    "num_eval": 26,
    "steps": 18,
    "warnings": ["Memory ran out in step 2."],
    "greedy_after": 0.7307692307692307,
    "checkpoint": "step-000018",
    "seconds": 146.2,
    "cpu_seconds": 241.9,
    "peak_bytes": {"rss": 4089389056},
}


def test_a_summary_is_read_as_sentences():
    """4089389056 / 2**30 = 3.81."""
    assert outcome_text(SUMMARY).splitlines() == [
        "Finished: 18 steps of cpu-demo in 2m26s, 4m02s of CPU time.",
        "Held-out problems answered right of 26: 31 % before training, 73 % after.",
        "Problems: 96 to train on, 26 held out, 1 dropped (dropped_rows.jsonl).",
        "Highest memory: 3.81 GiB of host memory.",
        "Newest checkpoint: step-000018.",
        "Warning: Memory ran out in step 2.",
    ]


def test_a_run_is_held_against_its_plan():
    """What was not planned has no ratio, and is left to the page."""
    memory = [{"name": "peak memory", "unit": "bytes", "measured": 3, "planned": 2, "ratio": 1.5}]
    seconds = [{"name": "generation", "unit": "seconds", "measured": 3.0}]
    found = {"memory": memory, "seconds": seconds, "notes": ["Peak memory: 3 measured, 2 planned. Why."]}
    assert outcome_text(SUMMARY | {"against_plan": found}).splitlines()[4:6] == [
        "Measured / planned: peak memory 1.50.",
        "Peak memory: 3 measured, 2 planned. Why.",
    ]


def test_nothing_is_said_of_what_a_run_has_not():
    bare = {"status": "finished", "preset": "mine", "steps": 2, "seconds": 4.0, "num_train_rows": 8, "warnings": []}
    assert outcome_text(bare) == "Finished: 2 steps of mine in 4.0 s.\nProblems: 8 to train on."
