"""Made tasks: every answer is recomputed from the problem's text, and every level is graded as right."""

import json
import math
import re
from fractions import Fraction
from typing import get_args

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.data.tasks.makers import MAKERS
from leanrl.data.tasks.making import MadeRow, make_rows
from leanrl.data.tasks.satisfiability import SIZES, FormulaSize, is_true
from leanrl.errors import ConfigError
from leanrl.grading.pool import GraderPool
from leanrl.types import GoldList, GradeRequest

ROWS_OF_LEVEL = 12


def rows_of(maker: str) -> list[MadeRow]:
    levels = range(1, MAKERS[maker].num_levels + 1)
    return list(make_rows(maker, levels=levels, num_rows=ROWS_OF_LEVEL * len(levels), seed=3))


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.parametrize(
    ("maker", "expected"), [("sums", sum), ("products", math.prod), ("gcd", lambda found: math.gcd(*found))]
)
def test_whole_numbers(maker: str, expected):
    for row in rows_of(maker):
        assert row.task.answers == (str(expected(numbers(row.task.problem))),)


def test_other_bases():
    for row in rows_of("base_conversion"):
        text, answer = row.task.problem, row.task.answers[0]
        base = int(re.search(r"base (\d+)", text)[1])
        if text.startswith("Write the decimal"):
            assert int(answer, base) == int(re.search(r"number (\d+)", text)[1])
        else:
            assert int(re.search(r"number (\w+) is", text)[1], base) == int(answer)


def side(text: str, **values: Fraction) -> Fraction:
    """Return the value of one side such as `-3x + 2y - 4`."""
    total = Fraction(0)
    for sign, factor, name in re.findall(r"([+-]?)\s*(\d*)([xy]?)(?=\s|$|\.)", text):
        if factor or name:
            total += Fraction(f"{sign}{factor or 1}") * (values[name] if name else 1)
    return total


def test_solutions_of_linear_equations():
    """The solution makes both sides equal; of a system, x and the y of the first equation satisfy the second."""
    for row in rows_of("linear_equations"):
        equations = re.findall(r"([-+\dxy ]+) = ([-+\dxy ]+)", row.task.problem)
        x = Fraction(row.task.answers[0])
        if "y" not in row.task.problem:
            left, right = equations[0]
            assert side(left, x=x) == side(right, x=x), row.task.problem
            continue
        (first, total), (second, other) = equations
        at_0, at_1 = side(first, x=x, y=Fraction(0)), side(first, x=x, y=Fraction(1))
        y = (Fraction(total) - at_0) / (at_1 - at_0)
        assert side(second, x=x, y=y) == Fraction(other), row.task.problem


def test_all_assignments_of_a_formula_are_answers_and_no_others():
    for row in rows_of("satisfiability"):
        clauses = [
            [(int(number) - 1, not negated) for negated, number in re.findall(r"(not )?x(\d+)", clause)]
            for clause in re.findall(r"\(((?:not )?x\d[^)]*)\)", row.task.problem)
        ]
        size = SIZES[row.level - 1]
        assert (len(clauses), {len(clause) for clause in clauses}) == (size.num_clauses, {size.num_literals})
        every = [format(bits, f"0{size.num_variables}b") for bits in range(2**size.num_variables)]
        right = [digits for digits in every if is_true(clauses, [digit == "1" for digit in digits])]
        assert list(row.task.answers) == right
        assert right


def test_saturns_difficulty():
    """(3, 5, 5): log2 5 + 2 log2 5 - 3 + 5/3 = 3 * 2.3219 - 1.3333 = 5.6325; harder with every level."""
    assert FormulaSize(3, 5, 5).difficulty == pytest.approx(5.6325, abs=1e-4)
    difficulties = [size.difficulty for size in SIZES]
    assert difficulties == sorted(set(difficulties))


def test_the_grader_takes_every_answer_and_refuses_another():
    rows = [row for maker, made in MAKERS.items() if made.is_graded for row in rows_of(maker)[:: ROWS_OF_LEVEL - 1]]
    golds = [row.task.answers[0] if len(row.task.answers) == 1 else GoldList(row.task.answers) for row in rows]
    requests = [
        GradeRequest(f"\\boxed{{{answer}}}", gold, problem=row.task.problem)
        for row, gold in zip(rows, golds, strict=True)
        for answer in (row.task.answers[-1], "-987654321")
    ]
    with GraderPool(num_workers=1) as pool:
        verdicts = [verdict.correct for verdict in pool.grade(requests)]
    assert verdicts == [True, False] * len(rows)


def test_rows_are_the_same_for_a_seed_and_begin_alike():
    few = list(make_rows("gcd", levels=[2, 4], num_rows=6, seed=5))
    assert few == list(make_rows("gcd", levels=[2, 4], num_rows=20, seed=5))[:6]
    assert [row.level for row in few] == [2, 4, 2, 4, 2, 4]
    assert few[0].task != next(make_rows("gcd", levels=[2, 4], num_rows=1, seed=6)).task
    assert len({row.task.problem for row in make_rows("products", levels=[1], num_rows=70, seed=1)}) == 70


@pytest.mark.parametrize(
    ("levels", "num_rows", "said"),
    [([9], 3, "has the levels 1 to 6, not 9"), ([], 3, "not none at all"), ([1], 500, "different problems of level 1")],
)
def test_what_cannot_be_made_is_refused(levels: list[int], num_rows: int, said: str):
    with pytest.raises(ConfigError, match=said):
        list(make_rows("sums", levels=levels, num_rows=num_rows, seed=0))


def test_an_object_is_what_its_schema_allows_and_what_the_text_says():
    for row in rows_of("json_objects"):
        schema = json.loads(re.search(r"Schema: (.*)", row.task.problem)[1])
        record = json.loads(row.task.answers[0])
        assert list(record) == schema["required"] == list(schema["properties"])
        kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
        assert all(type(record[name]) is kinds[each["type"]] for name, each in schema["properties"].items())
        text = row.task.problem.split("\n")[1]
        values = [value for value in record.values() if isinstance(value, str | int) and not isinstance(value, bool)]
        assert all(
            str(value) in text for value in [*values, *record.get("pets", []), *record.get("address", {}).values()]
        )
        assert "is_member" not in record or record["is_member"] == ("not a member" not in text)


def test_a_run_makes_its_own_tasks():
    """Levels in turn, none held out that is trained on, several answers as a list."""
    data = DataConfig(generator="satisfiability", levels=[1, 3], num_made=20, num_heldout=4)
    problems = load_problems(data, seed=9)
    assert (len(problems.train), len(problems.heldout)) == (16, 4)
    assert {row.columns["level"] for row in problems.train} == {1, 3}
    assert not {row.problem for row in problems.train} & {row.problem for row in problems.heldout}
    assert all(isinstance(row.gold, GoldList) for row in problems.train if row.columns["level"] == 1)
    with pytest.raises(ConfigError, match="has the levels 1 to 6, not 7"):
        load_problems(replace_levels(data, [7]), seed=9)


def replace_levels(data: DataConfig, levels: list[int]) -> DataConfig:
    return data.model_copy(update={"levels": levels})


def test_every_maker_is_a_generator_of_the_config():
    assert {*MAKERS, "one_digit_sums", "python"} == set(
        get_args(get_args(DataConfig.model_fields["generator"].annotation)[0])
    )
