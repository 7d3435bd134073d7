"""The simulation of a run's step, by the run's config: what `leanrl plan --exact` prints."""

from collections.abc import Callable
from typing import Any

from transformers import AutoConfig, PretrainedConfig

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, LeanRLError, MissingError, SimulationError
from leanrl.models.structure.shape import shape_of
from leanrl.planner.models.known_models import KNOWN_MODELS
from leanrl.planner.models.other_models import require_decoder
from leanrl.planner.models.shapes import ModelShape
from leanrl.simulate.fake_model import transformers_config
from leanrl.simulate.step import Simulation, keep_silent, simulate_step


def simulate_run(config: RunConfig, *, say: Callable[[str], None] = keep_silent) -> Simulation:
    """Return the simulated peaks of one optimizer step on one rank; `say` hears what is done next, in a line each.

    Raises:
        MissingError: if the model's config.json cannot be had.
        ConfigError: if transformers refuses a value in it, and for an encoder-decoder.
        SimulationError: if transformers does not know the model, or its code does not run without numbers.
    """
    return _simulated(config, _model_config(config), say)


def shape_and_simulation(config: RunConfig) -> tuple[ModelShape, Simulation]:
    """Return the model's shape beside the peaks; errors are those of `simulate_run`."""
    model_config = _model_config(config)
    simulation = _simulated(config, model_config, keep_silent)
    return shape_of(model_config), simulation


def simulation_text(simulation: Simulation) -> str:
    """Return the peaks as lines for a terminal: each phase with its largest parts."""
    width = max(len(phase.name) for phase in simulation.phases)
    lines = ["Simulated on one training rank, without rollout engine (exact for the operators that were traced):"]
    for phase in simulation.phases:
        parts = sorted(phase.categories.items(), key=lambda part: -part[1])
        listed = ", ".join(f"{name} {size / 2**30:.2f}" for name, size in parts if size >= 2**20)
        lines.append(f"  {phase.name:<{width}}  {phase.bytes / 2**30:7.2f} GiB  ({listed})")
    lines += [f"Stands in, with declared bytes: {name}." for name in simulation.stand_ins]
    return "\n".join(lines)


def to_json(simulation: Simulation) -> dict[str, Any]:
    """Return the `exact` part of the plan's JSON (design.md, section 4)."""
    return {
        "peak_bytes": simulation.peak.bytes,
        "peak_phase": simulation.peak.name,
        "phases": [
            {"name": phase.name, "bytes": phase.bytes, "components": phase.categories} for phase in simulation.phases
        ],
        "stand_ins": list(simulation.stand_ins),
    }


def _simulated(config: RunConfig, model_config: PretrainedConfig, say: Callable[[str], None]) -> Simulation:
    try:
        return simulate_step(config, model_config, say=say)
    except LeanRLError:
        raise
    # A model's own code fails on tensors without numbers in ways of its own, and so does PEFT on its modules.
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0]
        raise SimulationError(
            f"{config.model.id} ({model_config.model_type}) cannot be simulated: {type(error).__name__}: {reason}",
            hint="`leanrl train` tries the longest batch before step 1 (train.probe)",
        ) from error


def _model_config(config: RunConfig) -> PretrainedConfig:
    model = config.model
    if model.id in KNOWN_MODELS:
        return transformers_config(KNOWN_MODELS[model.id])
    try:
        found = AutoConfig.from_pretrained(
            model.id, revision=model.revision or "main", trust_remote_code=model.trust_remote_code
        )
    except OSError as error:
        raise MissingError(
            f"the config.json of {model.id} is neither a local folder's nor to be had from the Hub: {error}",
            hint="-s model.id=FOLDER with a config.json in it",
        ) from error
    except ValueError as error:
        raise SimulationError(
            f"{model.id} is no model that transformers knows: {error}",
            hint="-s model.id=... with a causal language model of transformers",
        ) from error
    # transformers checks values key by key, with errors of its own that have no base in common with other errors.
    except Exception as error:
        reason = " ".join(str(error).split()) or "no message"
        raise ConfigError(
            f"the config.json of {model.id} is refused by transformers: {type(error).__name__}: {reason}",
            hint="download it again, or write it with `model.config.save_pretrained`",
        ) from error
    require_decoder(found.to_dict(), where=f"the config.json of {model.id}")
    return found
