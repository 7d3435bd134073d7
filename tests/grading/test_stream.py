"""Logged completions judged line by line."""

import json

import pytest

from leanrl.errors import DataError
from leanrl.grading.stream import Totals, grade_lines, verdict_as_json
from leanrl.types import Verdict

LINES = [
    '{"completion": "\\\\boxed{4}", "gold": "4"}\n',
    "\n",
    '{"completion": "\\\\boxed{4}", "gold": 4}\n',
    '{"completion": "4", "gold": "4"}\n',
    '{"completion": null, "gold": "4"}\n',
    '{"completion": "\\\\boxed{4}", "gold": null}\n',
    '{"completion": "\\\\boxed{4}", "gold": ["3", "4"]}\n',
    '{"completion": "\\\\boxed{4, 3}", "gold": ["3", "4"], "accept": "all"}\n',
    '{"completion": "\\\\boxed{4}", "gold": ["3", "4"], "accept": "all"}\n',
    '{"completion": "\\\\boxed{1+x}", "gold": "x+1", "anything": "else"}\n',
]


def test_a_verdict_for_each_line(pool):
    """Numbers, nothing, and several gold answers in the gold's place."""
    verdicts = list(grade_lines(LINES, pool, mode="strict", source="log.jsonl"))
    assert [verdict.reason for verdict in verdicts] == [
        "correct", "correct", "no_box", "no_box", "unparseable_gold", "correct", "correct", "wrong", "correct",
    ]  # fmt: skip


def _conversation(*turns):
    completion = [{"role": role, "content": content} for role, content in turns]
    return json.dumps({"completion": completion, "gold": "4"}) + "\n"


def test_of_a_conversation_the_assistants_turns_count(pool):
    """A box of the user's or the system's is no answer, and the last one of the assistant's is."""
    lines = [
        _conversation(("assistant", r"\boxed{4}")),
        _conversation(("user", r"is it \boxed{4}?"), ("assistant", "it is")),
        _conversation(("assistant", r"\boxed{5}"), ("user", "no"), ("assistant", r"\boxed{4}"), ("user", r"\boxed{6}")),
        _conversation(("assistant", r"[THINK]so \boxed{4}")),
    ]
    verdicts = grade_lines(lines, pool, mode="strict", source="log.jsonl")
    assert [verdict.reason for verdict in verdicts] == ["correct", "no_box", "correct", "no_box"]


def test_a_problem_shows_an_echo(pool):
    """Without the problem's text, a copied formula is only unfinished; a problem that is no text is refused."""
    line = {"completion": r"\boxed{3+4}", "gold": "7"}
    lines = [json.dumps(line | problem) for problem in ({"problem": "Find $3 + 4$."}, {"problem": None}, {})]
    verdicts = grade_lines(lines, pool, mode="strict", source="log.jsonl")
    assert [verdict.reason for verdict in verdicts] == ["echo", "unfinished", "unfinished"]
    with pytest.raises(DataError, match="problem is a int"):
        list(grade_lines([json.dumps(line | {"problem": 5})], pool, mode="strict", source="log.jsonl"))


def test_lenient_reads_what_is_not_boxed(pool):
    """The third line holds a bare 4."""
    verdicts = list(grade_lines(LINES[:4], pool, mode="lenient", source="log.jsonl"))
    assert [verdict.correct for verdict in verdicts] == [True, True, True]


def test_lines_are_not_held(pool):
    """The first verdict comes before the ten thousandth line is read."""
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield LINES[0]

    verdicts = grade_lines(endless(), pool, mode="strict", source="log.jsonl")
    assert next(verdicts).correct
    assert read < 1000


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: no JSON"),
        ("[1]", "line 2: a list, not an object"),
        ('{"completion": ["4"], "gold": "4"}', "line 2: completion is a list, neither a text nor a list of messages"),
        ('{"completion": {"role": "assistant"}, "gold": "4"}', "line 2: completion is a dict, neither"),
        (
            '{"completion": [{"role": "assistant", "content": null}], "gold": "4"}',
            "line 2: completion is a list, neither",
        ),
        (_conversation(("user", "4")), "line 2: completion is a list of messages without an assistant's turn"),
        ('{"completion": [], "gold": "4"}', "line 2: completion is a list of messages without an assistant's turn"),
        ('{"completion": "x"}', "line 2: no gold; its keys are completion"),
        ("{}", "line 2: no completion and no gold; its keys are none"),
        ('{"completion": "x", "gold": ["1"], "accept": "some"}', "line 2: accept is 'some'"),
    ],
)
def test_a_broken_line_is_named_after_the_verdicts_before_it(pool, line, complaint):
    """With its number, and an example of a right one."""
    verdicts = grade_lines([LINES[0], line, LINES[0]], pool, mode="strict", source="log.jsonl")
    assert next(verdicts).correct
    with pytest.raises(DataError, match=complaint) as caught:
        next(verdicts)
    assert "completion" in caught.value.hint


def test_totals():
    """Two of three correct, 0.5 + 0 + 2 seconds."""
    totals = Totals()
    for verdict in (Verdict("correct", 0.5), Verdict("correct", 0.0), Verdict("timeout", 2.0)):
        totals.add(verdict)
    assert totals.as_json() == {
        "lines": 3,
        "correct": 2,
        "accuracy": pytest.approx(2 / 3),
        "reasons": {"correct": 2, "timeout": 1},
        "seconds": 2.5,
    }
    assert Totals().as_json()["accuracy"] is None
    assert (
        json.dumps(verdict_as_json(Verdict("wrong", 0.12345)))
        == '{"correct": false, "reason": "wrong", "seconds": 0.1235}'
    )
