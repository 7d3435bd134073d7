"""What a plan took over from a run that has measured, in words."""

from leanrl.planner.past_runs.calibration import Calibration

_GIB = 2**30
_NAMES = {"gradients": "training"}


def calibration_line(calibration: Calibration) -> str:
    """Return what was taken over and from where, for the first screen."""
    taken = [
        *(["speeds"] if calibration.factors else []),
        *(["memory"] if calibration.overhead_bytes is not None else []),
        *(["lengths"] if calibration.lengths is not None else []),
    ]
    steps = "1 step" if calibration.num_steps == 1 else f"{calibration.num_steps} steps"
    return f"{', '.join(taken) or 'nothing'} of {calibration.source}, {steps}"


def calibration_details(calibration: Calibration) -> list[str]:
    """Return the measured constants, each in its unit, and what was not taken over."""
    speeds, lines = calibration.speeds.of(calibration.factors), []
    if calibration.factors:
        factors = ", ".join(f"{_NAMES.get(name, name)} {value:.2f}" for name, value in calibration.factors.items())
        lines.append(f"Measured seconds / those of the closed form: {factors}.")
    if speeds.decoding_step_seconds is not None and speeds.decoding_bytes_per_second is not None:
        lines.append(
            f"A decoding step took {1000 * speeds.decoding_step_seconds:.0f} ms, prompts included "
            f"({speeds.decoding_bytes_per_second / 1e9:.1f} GB/s of weights)."
        )
    if speeds.training_flops_per_second is not None:
        lines.append(f"Training ran at {speeds.training_flops_per_second / 1e9:,.1f} GFLOP/s.")
    if calibration.grading_seconds is not None:
        lines.append(f"Grading took {1000 * calibration.grading_seconds:.1f} ms a completion.")
    if calibration.taught_share is not None and calibration.taught_share < 1:
        lines.append(f"{calibration.taught_share:.0%} of the completion tokens taught; the others cost no gradients.")
    if calibration.overhead_bytes is not None:
        lines.append(f"Its peak was {calibration.overhead_bytes / _GIB:.2f} GiB above the tensors of its rows.")
    return [*lines, *(f"Not taken over: {reason}." for reason in calibration.refused)]
