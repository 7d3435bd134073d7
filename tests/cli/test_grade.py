"""`leanrl grade`: verdicts line by line, then the totals."""

import gzip
import json

import pytest

from tests.cli.run import leanrl

LINES = [
    {"completion": r"so \boxed{4}", "gold": "4"},
    {"completion": r"so \boxed{5}", "gold": "4"},
    {"completion": "so 4", "gold": "4"},
    {"completion": r"\boxed{0.5}", "gold": "1/2"},
    {"completion": r"\boxed{8}", "gold": "7"},
]
NEED_A_PARSER = [
    {"completion": r"\boxed{\frac12+x}", "gold": "x+0.5"},
    {"completion": r"\boxed{9^{9^{9^{9}}}}", "gold": "7"},
]


@pytest.fixture
def log(tmp_path):
    """Answers that need no parser, and so no process that starts one."""
    return written(tmp_path / "log.jsonl", LINES)


def written(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_json_lines_then_totals(tmp_path):
    """Of a hanging answer, too."""
    log = written(tmp_path / "log.jsonl", [*LINES[:3], *NEED_A_PARSER])
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


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "mark"])
def test_a_mark_and_a_packed_log_are_read(log, mark, pack):
    log.write_bytes(pack(mark + log.read_bytes()))
    outcome = leanrl("grade", log)
    assert outcome.code == 0, outcome.err
    assert "2 of 5 correct" in outcome.err


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        (["4", None], "entry 2 of gold is the null null"),
        ([True], "entry 1 of gold is the value true"),
        ({"answer": 4}, 'gold is the object {"answer": 4}'),
        ([["4"]], "entry 1 of gold is the list"),
        (False, "gold is the value false"),
        ([], "gold is an empty list"),
        (float("nan"), "gold is the value NaN"),
    ],
)
def test_what_is_no_gold_is_refused_by_name(log, gold, said):
    log.write_text(json.dumps({"completion": r"\boxed{None}", "gold": gold}) + "\n")
    outcome = leanrl("grade", log)
    assert outcome.code == 4
    assert f"line 1: {said}" in " ".join(outcome.err.split())


def test_a_log_without_lines_is_no_result(log):
    log.write_text("\n\n")
    outcome = leanrl("grade", log, "--json")
    assert (outcome.code, outcome.out) == (4, "")
    assert f"{log} holds no lines." in " ".join(outcome.err.split())


def test_a_conversation_counts_by_the_turns_of_the_assistant(log):
    turns = [{"role": "user", "content": r"\boxed{4}"}, {"role": "assistant", "content": r"\boxed{5}"}]
    log.write_text("".join(json.dumps({"completion": turns, "gold": gold}) + "\n" for gold in ("4", "5")))
    assert leanrl("grade", log).out.split() == ["wrong", "correct"]
    log.write_text(json.dumps({"completion": turns[:1], "gold": "4"}))
    assert "a list of messages without an assistant's turn" in " ".join(leanrl("grade", log).err.split())
