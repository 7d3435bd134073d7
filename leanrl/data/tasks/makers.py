"""The kinds of tasks that leanrl makes, by name."""

from collections.abc import Mapping

from leanrl.data.tasks.equations import make_linear_equation
from leanrl.data.tasks.json_objects import make_json_object
from leanrl.data.tasks.satisfiability import SIZES, make_formula
from leanrl.data.tasks.task import TaskMaker
from leanrl.data.tasks.whole_numbers import make_base_conversion, make_gcd, make_product, make_sum

MAKERS: Mapping[str, TaskMaker] = {
    "sums": TaskMaker("sums of two to five whole numbers", 6, make_sum),
    "products": TaskMaker("products of two whole numbers, by their digits", 7, make_product),
    "gcd": TaskMaker("greatest common divisors", 6, make_gcd),
    "linear_equations": TaskMaker("linear equations, and systems of two", 6, make_linear_equation),
    "base_conversion": TaskMaker("numbers in another base", 6, make_base_conversion),
    "satisfiability": TaskMaker("formulas to satisfy, in SATURN's sizes", len(SIZES), make_formula),
    "json_objects": TaskMaker(
        "records to write as JSON by a schema; `rewards.json_object` pays", 5, make_json_object, is_graded=False
    ),
}
