"""Plans from Python, by the same path as `leanrl plan`, and how they show themselves in a notebook."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.api.rewards import Rewards, reward_settings
from leanrl.api.settings import Overrides, as_settings
from leanrl.config.load import load_config
from leanrl.planner.machine.card_flags import card_gib, card_settings
from leanrl.planner.plan import Plan, plan_table
from leanrl.planner.prediction import GpuPlan
from leanrl.planner.text.part_words import parts_in_words
from leanrl.planner.text.phase_words import PHASE_WORDS
from leanrl.planner.text.screen import place
from leanrl.planner.text.time_text import time_line
from leanrl.planning import plan as plan_run
from leanrl.report.rendering import fill

_GIB = 2**30
_NUM_PARTS = 3
_VERDICTS = {"fits": "fits", "tight": "is tight", "does_not_fit": "does not fit"}
_ROLES = {"train": "the cards that train", "rollout": "the cards that generate", "both": "each card"}


@dataclass(frozen=True, repr=False)
class Planned:
    """A plan; print it for the text of `leanrl plan --details`, or let a notebook show its table."""

    plan: Plan

    @property
    def verdict(self) -> str:
        """fits, tight or does_not_fit."""
        return self.plan.verdict

    @property
    def fits(self) -> bool:
        """Whether the upper estimate of every card is within its memory."""
        return self.plan.verdict == "fits"

    @property
    def peak_bytes(self) -> int:
        """Bytes of tensors at the fullest moment of the fullest card."""
        return self.plan.worst.peak.bytes

    @property
    def hours(self) -> float | None:
        """Hours of all steps; None where the speed is not known."""
        return self.plan.total_hours

    @property
    def usd(self) -> float | None:
        """Dollars for all cards; None where a price is not known."""
        return self.plan.cost_usd

    @property
    def fixes(self) -> tuple[str, ...]:
        """Settings that make it fit, cheapest first, as `-s` flags."""
        return self.plan.fixes

    def to_json(self) -> dict[str, Any]:
        """Return what `leanrl plan --json` prints of the plan."""
        return self.plan.to_json()

    def __str__(self) -> str:
        return plan_table(self.plan)

    def __repr__(self) -> str:
        return f"<Planned {self.plan.preset}: {self.verdict}, {self.peak_bytes / _GIB:.1f} GiB>"

    def _repr_html_(self) -> str:
        plan, worst = self.plan, self.plan.worst
        upper = f"{worst.upper_bytes / _GIB:.1f} of {worst.usable_bytes / _GIB:.1f} GiB"
        lines = [f"upper estimate: {upper}", *([] if plan.verdict == "does_not_fit" else [f"time: {time_line(plan)}"])]
        lines += [f"to make it fit: {fix.line}" for fix in plan.offers]
        lines += [] if plan.nearest is None else [f"nearest: {plan.nearest.run}", f"way out: {plan.nearest.way_out}"]
        by_role = {gpu.role: gpu for gpu in plan.gpus}
        roles = _ROLES if plan.device == "cuda" else dict.fromkeys(_ROLES, "this machine's memory")
        cards = [(roles[role], _rows(gpu)) for role, gpu in by_role.items()]
        title = f"{plan.preset} on {place(plan)} {_VERDICTS[plan.verdict]}"
        return str(fill("notebook/plan.html", title=title, lines=lines, cards=cards))


def plan(
    preset: str | Path,
    *,
    rewards: Rewards | None = None,
    overrides: Overrides | None = None,
    gpu: str | None = None,
    vram: str | float | None = None,
    num_gpus: int | None = None,
) -> Planned:
    """Return the predicted memory, time and cost of a run; nothing is trained, and no GPU is needed.

    Args:
        preset: the name of a preset, or a file.
        rewards: as `leanrl.train` takes them.
        overrides: values by dotted key, as `-s` takes them.
        gpu: the card to plan for, such as rtx3090; `leanrl cards` lists them.
        vram: GiB of a card that has no name.
        num_gpus: how many cards.

    Raises:
        ConfigError: for an unknown preset, key or card, and for a model that cannot be planned.
        MissingError: if the model's shape cannot be had.
    """
    own = [] if rewards is None else reward_settings(rewards, load_config(preset).config)
    typed = [*own, *as_settings(overrides)]
    gib = None if vram is None else card_gib(str(vram))
    given = [*typed, *card_settings(typed, gpu=gpu, gib=gib, num_gpus=num_gpus)]
    return Planned(plan_run(load_config(preset, given).config))


def _rows(gpu: GpuPlan) -> list[tuple[str, str, str, bool]]:
    """Return words, GiB and largest parts of each phase, and whether it is the fullest."""
    return [
        (
            PHASE_WORDS[phase.name],
            f"{phase.bytes / _GIB:.2f}",
            ", ".join(f"{name} {size / _GIB:.2f}" for name, size, _ in parts_in_words(phase)[:_NUM_PARTS]),
            phase is gpu.peak,
        )
        for phase in gpu.phases
    ]
