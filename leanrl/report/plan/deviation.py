"""Why a run was far from its plan: one sentence for each number, with the likely reason."""

from collections.abc import Iterator
from statistics import fmean

from leanrl.report.plan.against_plan import Compared
from leanrl.report.quantities import bytes_text, count_text, seconds_text, share_text
from leanrl.report.run_data import RunData, part

# A reason counts where what it leaves unexplained is less than a quarter.
_FAR = 0.25
# Below this fraction of its threads' time a process shares its cores, or waits for the disk.
_OWN_CORES = 0.75
_FOLLOWS_THE_LONGEST = "generation"
_FOLLOW_THE_MEAN = ("reference", "gradients", "step")


def deviation_text(one: Compared, data: RunData) -> str:
    """Return how far a measured number is from its plan, and why."""
    assert one.planned is not None
    to_text = bytes_text if one.unit == "bytes" else seconds_text
    name = "A step" if one.name == "step" else f"{one.name[:1].upper()}{one.name[1:]}"
    why = _why_bytes(one, data) if one.unit == "bytes" else _why_seconds(one, data)
    return f"{name}: {to_text(one.measured)} measured, {to_text(one.planned)} planned. {why}"


def _why_bytes(one: Compared, data: RunData) -> str:
    longest, limit = _longest(data), data.setting("rollout.max_completion_tokens")
    if (one.ratio or 0.0) < 1:
        if longest is not None and isinstance(limit, int) and longest < (1 - _FAR) * limit:
            return f"No completion was longer than {count_text(longest)} of the {count_text(limit)} planned tokens."
        return "Full micro-batches of the longest prompts and completions, which the plan counts, did not occur."
    where = f", and is highest in the phase {one.phase}" if one.phase else ""
    if data.plan.get("device") == "cpu":
        return f"It is the resident size of the process: it counts Python, its libraries and mapped files{where}."
    return f"The plan misses memory of this run{where}; `leanrl plan --from` adds what was measured."


def _why_seconds(one: Compared, data: RunData) -> str:
    ratio, lengths = one.ratio or 1.0, _length_ratio(one.name, data)
    if lengths is not None and abs(ratio / lengths - 1) <= _FAR:
        kind = "The longest completions were" if one.name == _FOLLOWS_THE_LONGEST else "Completions were"
        return f"{kind} {lengths:.2g} times as long as planned."
    taught = _taught_share(data) * (lengths or 1.0)
    if one.name == "gradients" and taught and abs(ratio / taught - 1) <= _FAR:
        return f"{share_text(1 - _taught_share(data))} of the completion tokens could not teach, and cost no gradients."
    share = _cpu_share(data)
    if ratio > 1 and share is not None and share < _OWN_CORES:
        return f"The process had {share_text(share)} of its threads' time: others use its cores, or it waits."
    speed = f"{1 / ratio:.2g} times as fast as counted"
    beside = "" if lengths is None else f", with completions {lengths:.2g} times as long as planned"
    return f"This machine is {speed}{beside}; `leanrl plan --from` plans with its speed."


def _length_ratio(name: str, data: RunData) -> float | None:
    """Return how many times as long as planned the completions were that a part of a step follows."""
    time = data.plan.get("time")
    planned = time.get("completion_tokens") if isinstance(time, dict) else None
    if not isinstance(planned, dict) or name not in (_FOLLOWS_THE_LONGEST, *_FOLLOW_THE_MEAN):
        return None
    key, logged = ("longest", "max") if name == _FOLLOWS_THE_LONGEST else ("mean", "mean")
    measured = list(_logged(data, logged))
    expected = planned.get(key)
    return fmean(measured) / expected if measured and isinstance(expected, int | float) and expected > 0 else None


def _longest(data: RunData) -> float | None:
    return max(_logged(data, "max"), default=None)


def _taught_share(data: RunData) -> float:
    skipped = [share for record in data.steps if isinstance(share := record.get("skipped_token_share"), int | float)]
    return 1 - fmean(skipped) if skipped else 1.0


def _cpu_share(data: RunData) -> float | None:
    shares = [share for record in data.steps if isinstance(share := record.get("cpu_share"), float)]
    return fmean(shares) if shares else None


def _logged(data: RunData, name: str) -> Iterator[float]:
    values = (part(record, group="completion_tokens", name=name) for record in data.steps)
    yield from (value for value in values if isinstance(value, int | float))
