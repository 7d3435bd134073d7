"""The planner's door: a run's config in, its plan out, and the plan as text."""

from dataclasses import replace

from leanrl.config.schema import RunConfig
from leanrl.planner.automatic import automatic_by_questions, automatic_changes
from leanrl.planner.formula import require_formula
from leanrl.planner.machine.cards import Card
from leanrl.planner.machine.target import Target, find_target
from leanrl.planner.measured import MeasuredModel
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.past_runs.calibration import Calibration
from leanrl.planner.predict import predict, with_floors
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fit import search_of
from leanrl.planner.search.fixes import changes_only, with_changes
from leanrl.planner.search.nearest import nearest
from leanrl.planner.text.base_note import base_note
from leanrl.planner.text.table import plan_table

__all__ = ["Plan", "plan_run", "plan_table"]


def plan_run(
    config: RunConfig,
    *,
    shape: ModelShape | None = None,
    measured: MeasuredModel | None = None,
    card: Card | None = None,
    vram_bytes: int | None = None,
    host_bytes: int | None = None,
    vllm: str | None = None,
    calibration: Calibration | None = None,
) -> Plan:
    """Return the plan of a run; where it does not fit, with changes that would make it.

    What is `auto` is chosen here, the token budget and the kept layers: the plan's workload has it.

    Args:
        config: the run.
        shape: the model's shape; None finds it by `config.model.id`.
        measured: the model where the closed form does not know it; the plan then has no fixes, for each takes a
            simulation.
        card: the card to plan for; None takes `config.hardware.gpu`.
        vram_bytes: bytes of a card, instead of what the named card has.
        host_bytes: memory of the machine that the run is for; needed where it is on a CPU. Without it the host memory
            of a run on cards is a need that is printed and not compared.
        vllm: the version that generates; None is the newest that leanrl works with.
        calibration: what a run has measured of the machine.

    Raises:
        MissingError: if the model's shape cannot be had, or neither a card nor its bytes are named.
        NoFormulaError: for a model that the closed form does not know, or not with these settings.
        ConfigError: for an unknown card, a card without bf16, or a model or config that cannot be planned.
    """
    target = find_target(
        config, card=card, vram_bytes=vram_bytes, host_bytes=host_bytes, vllm=vllm, calibration=calibration
    )
    if measured is not None:
        return _measured_plan(config, measured, target)
    known_shape = shape or find_shape(config.model.id, revision=config.model.revision)
    require_formula(config, known_shape)
    chosen = automatic_changes(config, known_shape, target)
    config = with_changes(config, chosen)
    plan = with_floors(predict(config, known_shape, target))
    plan = replace(plan, chosen=chosen, base_note=base_note(config, plan, target))
    if plan.verdict == "fits":
        return plan
    search = search_of(config, known_shape, target)
    offers = search.fixes()
    if offers:
        return replace(plan, offers=offers)
    changes = search.nearest.changes
    nearest_plan = predict(with_changes(config, changes), known_shape, target)
    return replace(plan, nearest=nearest(changes_only(config, changes), nearest_plan))


def _measured_plan(config: RunConfig, model: MeasuredModel, target: Target) -> Plan:
    def priced(changed: RunConfig) -> Plan:
        return predict(changed, model.shape, target, measured=model.measure(changed))

    num_layers = model.shape.num_layers
    chosen = automatic_by_questions(
        config, num_layers=num_layers, missing=lambda changed: priced(changed).missing_bytes
    )
    config = with_changes(config, chosen)
    plan = priced(config)
    return replace(plan, chosen=chosen, base_note=base_note(config, plan, target))
