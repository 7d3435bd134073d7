"""`leanrl grade`: verdicts line by line, then the totals."""

import json

import pytest

from tests.cli.run import leanrl

LINES = [
    {"completion": r"so \boxed{4}", "gold": "4"},
    {"completion": r"so \boxed{5}", "gold": "4"},
    {"completion": "so 4", "gold": "4"},
    {"completion": r"\boxed{\frac12}", "gold": "0.5"},
    {"completion": r"\boxed{9^{9^{9^{9}}}}", "gold": "7"},
]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def test_json_lines_then_totals(log):
    outcome = leanrl("grade", log, "--json")
    assert outcome.code == 0, outcome.err
    *verdicts, totals = [json.loads(line) for line in outcome.out.splitlines()]
    assert [verdict["correct"] for verdict in verdicts] == [True, False, False, True, False]
    assert [verdict["reason"] for verdict in verdicts[:4]] == ["correct", "wrong", "no_box", "correct"]
    assert verdicts[0].keys() == {"correct", "reason", "seconds"}
    assert (totals["lines"], totals["correct"]) == (5, 2)


def test_lenient_reads_answers_without_a_box(log):
    outcome = leanrl("grade", log, "--mode", "lenient")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[2] == "correct"
    assert "3 of 5 correct" in outcome.err


def test_a_broken_line_is_named_after_the_verdicts_before_it(log):
    with log.open("a") as file:
        file.write("{not json\n")
    outcome = leanrl("grade", log)
    assert outcome.code == 4
    assert outcome.out.splitlines()[0] == "correct"
    assert "6" in outcome.err


def test_a_missing_file_and_an_unknown_mode(tmp_path, log):
    assert leanrl("grade", tmp_path / "absent.jsonl").code == 4
    outcome = leanrl("grade", log, "--mode", "harsh")
    assert outcome.code == 2
    assert "'harsh' is not one of 'strict', 'lenient'" in outcome.err
