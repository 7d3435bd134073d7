"""The plan as text: the first screen, then the details."""

from leanrl.planner.prediction import Plan
from leanrl.planner.text.details import plan_details
from leanrl.planner.text.screen import first_screen


def plan_table(plan: Plan) -> str:
    """Return the whole plan as plain text."""
    return "\n".join([*first_screen(plan), "", *plan_details(plan)]) + "\n"
