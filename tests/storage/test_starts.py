"""env.json keeps every start of a run, and tells what had changed between two."""

from leanrl.storage.run_folder import RunFolder, read_json
from leanrl.storage.starts import Start, changed_circumstances, hand_over, handed_over, note_start

HERE = {"python": "3.12.1", "cpu": "A", "gpus": [], "commit": "abc", "versions": {"torch": "2.12.0", "trl": "1.16.0"}}
LATER = HERE | {"gpus": ["NVIDIA A40"], "commit": "abd", "versions": {"torch": "2.13.0", "peft": "0.19"}}


def test_each_start_is_added_and_the_first_one_stays_on_top(tmp_path):
    run = RunFolder(tmp_path)
    note_start(run, HERE, at="2026-01-01T00:00:00+00:00", after_step=0)
    note_start(run, LATER, at="2026-01-02T00:00:00+00:00", after_step=50, changes=["commit abd (was abc)"])
    env = read_json(run.env)
    assert env["versions"] == HERE["versions"]
    assert [(start["at"][:10], start["after_step"]) for start in env["starts"]] == [
        ("2026-01-01", 0),
        ("2026-01-02", 50),
    ]
    assert env["starts"][1]["changes"] == ["commit abd (was abc)"]
    assert env["starts"][1]["versions"] == LATER["versions"]


def test_a_start_is_handed_over_to_the_first_rank_whole(tmp_path):
    run = RunFolder(tmp_path)
    assert handed_over(run) is None
    for start in (Start(HERE, "2026-01-01", 5, [], {}), Start(LATER, "2026-01-02", 9, ["x"], {"config": {"a": 1}})):
        hand_over(run, start)
        assert handed_over(run) == start


def test_circumstances_are_compared_with_the_last_start(tmp_path):
    run = RunFolder(tmp_path)
    note_start(run, HERE, at="2026-01-01T00:00:00+00:00", after_step=0)
    assert changed_circumstances(run, HERE) == []
    assert changed_circumstances(run, LATER) == [
        "commit abd (was abc)",
        "gpus NVIDIA A40 (was none)",
        "peft 0.19 (was not there)",
        "torch 2.13.0 (was 2.12.0)",
        "trl not there (was 1.16.0)",
    ]
    note_start(run, LATER, at="2026-01-02T00:00:00+00:00", after_step=50)
    assert changed_circumstances(run, LATER) == []


def test_an_older_env_json_is_the_first_start(tmp_path):
    """leanrl 0.1.0 wrote one start without a list."""
    run = RunFolder(tmp_path)
    run.env.write_text('{"python": "3.11.7", "versions": {"torch": "2.12.0", "trl": "1.16.0"}}')
    assert changed_circumstances(run, HERE) == ["python 3.12.1 (was 3.11.7)"]
    note_start(run, HERE, at="2026-01-02T00:00:00+00:00", after_step=7)
    env = read_json(run.env)
    assert (env["python"], [start["after_step"] for start in env["starts"]]) == ("3.11.7", [7])
