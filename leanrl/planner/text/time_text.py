"""What a plan says of time and cost: a line for the first screen, and what stands behind it."""

from collections.abc import Sequence
from dataclasses import asdict

from leanrl.planner.machine.cards import Card
from leanrl.planner.prediction import Plan
from leanrl.planner.time.compute_rate import BANDWIDTH_SHARE
from leanrl.planner.time.length_profile import ASSUMED_SHARES

_NO_TIME_ON_A_CPU = "not predicted on a CPU; `leanrl plan --from RUN` predicts it from what a run measured"
# Smaller parts of a step are left out.
_LEAST_SHARE = 0.01


def time_line(plan: Plan) -> str:
    """Return the seconds of a step, the hours of the run and what they cost; of a run that can run.

    Where nobody knows how long completions are, each is a range: "20 / 31 / 45 s a step".
    """
    if plan.step_seconds is None or plan.step_time is None:
        return "not predicted: the card's speed is not known" if plan.device == "cuda" else _NO_TIME_ON_A_CPU
    step = f"about {_range([time.seconds for _, time in plan.time_range])} s a step"
    if plan.total_hours is None:
        return f"{step}; how many steps there are is known once problems are counted{_with_evaluations(plan)}"
    scales = [time.seconds / plan.step_time.seconds for _, time in plan.time_range]
    hours = _range([plan.total_hours * scale for scale in scales])
    return f"{step}, {hours} h for all {plan.max_steps} steps{_cost(plan, scales)}{_with_evaluations(plan)}"


def _cost(plan: Plan, scales: Sequence[float]) -> str:
    """Return what follows the hours; a CPU of one's own has no price."""
    if plan.cost_usd is None:
        return ", no price known" if plan.device == "cuda" else ""
    return f", about ${_range([plan.cost_usd * scale for scale in scales])}"


def lengths_line(plan: Plan) -> str:
    """Return which lengths of completions the time rests on."""
    if plan.lengths is None:
        return ""
    limit = plan.workload.completion_tokens
    if plan.lengths.is_assumed:
        shares = _range([100 * share for share in ASSUMED_SHARES])
        return f"unknown; the times are for a mean of {shares} % of {limit} tokens (--lengths or --measure says more)"
    return plan.lengths.text_at(limit)


def _with_evaluations(plan: Plan) -> str:
    """Return what follows where the run evaluates while it trains: what that takes on top of the steps."""
    found = plan.evaluations
    if found is None:
        return ""
    if found.count is None or found.hours is None:
        return f"; an evaluation takes {_number(found.seconds)} s more"
    return f"; {found.count} evaluations take {_number(found.hours)} h more"


def _evaluation_details(plan: Plan) -> list[str]:
    found = plan.evaluations
    if found is None:
        return []
    how_many = "" if found.count is None else f", {found.count} times with the start and the last step"
    return [f"Evaluations: {found.num_completions} completions in about {_number(found.seconds)} s{how_many}."]


def time_details(plan: Plan) -> list[str]:
    """Return what a step's seconds are spent on, what they assume, and whose price it is."""
    if plan.step_time is None or plan.step_seconds is None or plan.lengths is None:
        return []
    least = _LEAST_SHARE * plan.step_time.seconds
    parts = {name: seconds for name, seconds in asdict(plan.step_time).items() if seconds >= least}
    limit, count = plan.workload.completion_tokens, plan.workload.completions_per_engine
    longest = plan.lengths.distribution.longest(count, limit)
    assumed = f", for a mean of {plan.lengths.mean_tokens:.0f} tokens" if plan.lengths.is_assumed else ""
    return [
        f"Seconds of a step{assumed}: {', '.join(f'{name} {_number(seconds)}' for name, seconds in parts.items())}.",
        f"Lengths: {lengths_line(plan)}.",
        *_stage_details(plan),
        f"Time: the longest of {count} completions has {longest:.0f} tokens; {_rates(plan)}.",
        *_evaluation_details(plan),
        *([] if plan.card is None else [_price_line(plan.card)]),
    ]


def _stage_details(plan: Plan) -> list[str]:
    if not plan.length_stages:
        return []
    told = (f"{_number(each)} s from step {begin + 1} on ({limit})" for begin, limit, each in plan.stage_seconds)
    return [f"Stages of a limit (tokens): a step takes about {', '.join(told)}."]


def _price_line(card: Card) -> str:
    if card.price is None:
        return "Price: not known; -s hardware.usd_per_hour=PRICE gives yours."
    return f"Price: ${card.price.usd_per_hour:.2f} an hour and card, {card.price.seen} ({card.price.source})."


def _rates(plan: Plan) -> str:
    numbers = "bf16" if plan.workload.compute_bytes == 2 else "fp32"
    data_sheet = f"{BANDWIDTH_SHARE:.0%} of the card's bandwidth, 25 to 50 % of its {numbers} rate"
    if plan.calibration is None or not plan.calibration.factors:
        return data_sheet
    return "speeds as measured" if plan.device == "cpu" else f"{data_sheet}, corrected by what was measured"


def _range(values: list[float]) -> str:
    return " / ".join(map(_number, values))


def _number(value: float) -> str:
    """Return two digits of a small number, and a large one whole."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
