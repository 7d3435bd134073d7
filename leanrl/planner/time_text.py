"""What a plan says of time and cost: a line for the first screen, and what stands behind it."""

from dataclasses import asdict

from leanrl.planner.duration import BANDWIDTH_SHARE, COMPUTE_SHARE, Lengths
from leanrl.planner.prediction import Plan


def time_line(plan: Plan) -> str:
    """Return the seconds of a step, the hours of the run and what they cost; of a run that can run."""
    if plan.step_seconds is None:
        return "not predicted: the card's speed is not known" if plan.device == "cuda" else "not predicted on a CPU"
    step = f"about {plan.step_seconds:.0f} s a step"
    if plan.total_hours is None:
        return f"{step}; how many steps there are is known once problems are counted"
    cost = "" if plan.cost_usd is None else f", about ${plan.cost_usd:.0f}"
    return f"{step}, {plan.total_hours:.1f} h for all {plan.max_steps} steps{cost}"


def time_details(plan: Plan) -> list[str]:
    """Return what a step's seconds are spent on, what they assume, and whose price it is."""
    if plan.step_time is None or plan.step_seconds is None:
        return []
    parts = {name: seconds for name, seconds in asdict(plan.step_time).items() if seconds >= 0.5}
    lines = [
        f"Seconds of a step: {', '.join(f'{name} {seconds:.0f}' for name, seconds in parts.items())}.",
        f"Time: every step has a completion of full length, their mean is {Lengths().mean_completion_share:.0%} of it; "
        f"{BANDWIDTH_SHARE:.0%} of the card's bandwidth, {COMPUTE_SHARE:.0%} of its bf16 rate.",
    ]
    if plan.card is not None and plan.card.price is not None:
        price = plan.card.price
        lines.append(f"Price: ${price.usd_per_hour:.2f} an hour and card, {price.seen} ({price.source}).")
    return lines
