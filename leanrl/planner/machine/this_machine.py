"""The plan of a run on the machine that is about to train it."""

from collections.abc import Sequence
from dataclasses import dataclass

from leanrl.config.schema import RunConfig
from leanrl.errors import DoesNotFitError
from leanrl.hints import command
from leanrl.planner.machine.card_names import cards_called, recognise_card
from leanrl.planner.machine.cards import GIB
from leanrl.planner.measured import MeasuredModel
from leanrl.planner.plan import plan_run
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fixes import with_changes


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver describes it."""

    name: str
    total_bytes: int


def plan_here(
    config: RunConfig,
    *,
    gpu: Gpu | None,
    host_bytes: int,
    vllm: str | None = None,
    measured: MeasuredModel | None = None,
) -> tuple[Plan, str | None]:
    """Return the plan for the card that is here, and a line to say where it is not the config's.

    Without a GPU the plan is for what the config names. A card that is not known by name has its real bytes, but no
    speed, so that no time is predicted. `hardware.vram_gib` can only take bytes away: a fraction of the card.

    Errors are those of `plan_run`.
    """
    if gpu is None:
        known_bytes = host_bytes if config.hardware.is_cpu else None
        return plan_run(config, host_bytes=known_bytes, vllm=vllm, measured=measured), None
    card = recognise_card(gpu.name, gpu.total_bytes)
    named = None if card is None else card.name
    share_gib = config.hardware.vram_gib
    vram_bytes = gpu.total_bytes if share_gib is None else min(gpu.total_bytes, int(share_gib * GIB))
    renamed = with_changes(config, {"hardware.gpu": named})
    plan = plan_run(renamed, vram_bytes=vram_bytes, host_bytes=host_bytes, vllm=vllm, measured=measured)
    asked = config.hardware.gpu
    if card is None if asked is None else card in cards_called(asked):
        return plan, None
    before = f"{config.name} was planned for {asked or 'no card by name'}"
    unknown = ", which is not among the cards known by name" if card is None else ""
    return plan, f"{before}; planned anew for the {gpu.name} that is here ({gpu.total_bytes / GIB:.1f} GiB){unknown}."


def require_fit(plan: Plan, *, typed: Sequence[str] = ()) -> None:
    """Refuse a run whose tensors alone are too large; `typed` are the flags of preset and settings as a user gave them.

    Raises:
        DoesNotFitError: with the cheapest changes that would make it fit.
    """
    if plan.verdict == "does_not_fit":
        named = ["--gpu", plan.card.name] if plan.card is not None else []
        size = [*named, "--vram", f"{plan.worst.usable_bytes / GIB:.1f}"] if plan.device == "cuda" else []
        is_host = plan.host is not None and plan.host.verdict == "does_not_fit"
        why = f"{plan.host.sentence} " if plan.host is not None and is_host else ""
        raise DoesNotFitError(
            f"preset {plan.preset} does not fit this machine; {why}"
            f"`{command('plan', *(typed or ['-p', plan.preset]), *size)}` shows why.",
            hint="; or ".join(plan.fixes) or "`--force` trains all the same",
        )


def tight_warning(plan: Plan) -> str:
    """Return what to say of a run whose tensors fit, but perhaps not with what the driver and fragmentation add."""
    worst = plan.worst
    peak, upper, usable = (f"{size / GIB:.1f}" for size in (worst.peak.bytes, worst.upper_bytes, worst.usable_bytes))
    host = f" {plan.host.sentence}" if plan.host is not None and plan.host.verdict == "tight" else ""
    remedy = f" More room: {plan.fixes[0]}." if plan.fixes else ""
    return f"memory is tight: {peak} GiB, at most {upper}, of {usable}.{host}{remedy}"
