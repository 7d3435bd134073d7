"""Golds that a scorer judges: extracted first, scored exactly, in killable children."""

import os
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

from leanrl.data.golds.answer import Gold, is_words, read_value
from leanrl.grading.pool import GraderPool
from leanrl.grading.scorers.gold import ScoredGold, is_scored, own_answer, read_scored
from leanrl.types import GradeRequest

GOLD = str(ScoredGold("chain", {"question": "4 - 1 =", "answer": "3", "metadata": {"n": [1, 2]}}))
# What reasoning-gym's scorers do, in a package of its name: partial credit, a hang, a crash.
PACKAGE = """
    import time

    def _chain(answer, entry):
        if answer == "hang":
            while True:
                time.sleep(1)
        if answer == "spin":
            while True:
                pass
        if answer == "crash":
            raise RuntimeError
        return 1.0 if answer == entry["answer"] else 0.05 if entry["answer"] in answer else 0.0

    def get_score_answer_fn(name):
        return {"chain": _chain}[name]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reasoning_gym.py").write_text(textwrap.dedent(PACKAGE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))


def test_a_gold_reads_back():
    assert str(read_scored(GOLD)) == GOLD
    assert own_answer(GOLD) == "3"
    assert own_answer("3") == "3"
    for text in ("3", "reasoning_gym:chain", "reasoning_gym:os.system:{}", "reasoning_gym:chain:{", 3, None):
        assert not is_scored(text)


def test_a_row_keeps_it_whole():
    read = read_value(GOLD, place="auto", accept="any", keeps_prose=False)
    assert read == Gold(GOLD)
    assert not is_words(GOLD)


@pytest.mark.usefixtures("package")
def test_answers_are_scored_exactly_and_nothing_hangs():
    answers = {
        r"\boxed{3}": "correct", r"\boxed{\text{3}}": "correct", "3": "no_box", r"\boxed{33}": "wrong",
        r"\boxed{it is 3}": "wrong", r"\boxed{crash}": "died", r"\boxed{spin}": "timeout", r"\boxed{ 3 }": "correct",
    }  # fmt: skip
    with GraderPool(num_workers=1, seconds=0.3) as pool:
        wall_seconds, pool._crew._wall_seconds = pool._crew._wall_seconds, 120.0
        verdicts = pool.grade([GradeRequest(text, GOLD, problem="4 - 1 =") for text in answers])
        assert dict(zip(answers, (verdict.reason for verdict in verdicts), strict=True)) == answers
        pool._crew._wall_seconds = wall_seconds
        assert pool.grade([GradeRequest(r"\boxed{hang}", GOLD)])[0].reason == "timeout"
        assert pool.can_parse_gold([GOLD, GOLD.replace(":chain:", ":other:")]) == [True, False]


@pytest.mark.skipif(find_spec("reasoning_gym") is not None, reason="reasoning-gym is installed")
def test_without_the_package_no_gold_can_be_read():
    with GraderPool(num_workers=1) as pool:
        assert pool.can_parse_gold([GOLD]) == [False]
