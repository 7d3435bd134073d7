"""What of a model leanrl cannot train, found from its config before a weight is loaded.

Nothing is decided by a model's name: transformers builds the model without weights, and its parts are looked at.
"""

from transformers import PreTrainedConfig, PreTrainedModel

from leanrl.config.schema import ModelConfig, RunConfig
from leanrl.engine.head.scoring import head_problem
from leanrl.engine.layers.kept_layers import decoder_layers
from leanrl.errors import ConfigError, Problem
from leanrl.hints import setting
from leanrl.models.adapters.adapter import check_targets
from leanrl.models.adapters.targets import target_problems
from leanrl.models.load import causal_config
from leanrl.models.locate import LocatedModel
from leanrl.models.structure.adaptable import can_be_nf4, out_of_reach, out_of_reach_summary
from leanrl.models.structure.attention import usable_attention
from leanrl.models.structure.empty_model import empty_model


def require_trainable(config: RunConfig, located: LocatedModel) -> list[str]:
    """Return what the run leaves out of the model, one line each.

    Raises:
        ConfigError: if the model cannot be trained as `config` asks, naming every reason and the key to change.
        MissingError: if the family needs a package that is not installed.
    """
    model_config = causal_config(located)
    usable_attention(model_config, config.model.attention)
    model = empty_model(model_config)
    problems = find_obstacles(model, model_config, config)
    if problems:
        raise ConfigError(
            f"{located.path_or_id} cannot be trained as this run asks; docs/models.md lists what trains:",
            problems=problems,
        )
    return _left_out(model, config.model)


def find_obstacles(model: PreTrainedModel, model_config: PreTrainedConfig, config: RunConfig) -> list[Problem]:
    """Return what stands against training; `model` is `model_config`'s, without weights.

    Raises:
        ConfigError: if `model.tuning.targets` names modules that are not there.
    """
    family = model_config.get_text_config().model_type
    problems = []
    if config.backend != "unsloth":  # it has a head of its own
        head = head_problem(model)
        problems += [] if head is None else [Problem("model.id", head)]
    if config.train.gradient_checkpointing and not model.supports_gradient_checkpointing:
        problems.append(
            Problem(
                "train.gradient_checkpointing",
                f"{family} cannot recompute its layers",
                "-s train.gradient_checkpointing=false",
            )
        )
    problems += _unkeepable_layers(model, config)
    if config.model.tuning.method == "qlora" and not can_be_nf4(model):
        problems.append(
            Problem(
                "model.tuning.method",
                f"bitsandbytes quantises no layer of {family}, whose linear layers are of a class of its own",
                "-s model.tuning.method=lora",
            )
        )
    if config.model.tuning.method != "full":
        check_targets(model, config.model.tuning)
    return problems + target_problems(model_config, config.model.tuning)


def _unkeepable_layers(model: PreTrainedModel, config: RunConfig) -> list[Problem]:
    kept, num_layers = config.train.kept_layers, len(decoder_layers(model))
    if not config.train.gradient_checkpointing or not model.supports_gradient_checkpointing or kept <= num_layers:
        return []
    if num_layers == 0:
        what, hint = "the layers of this model are recomputed all or none", setting("train.kept_layers", 0)
    else:
        what, hint = (
            f"{kept} are more than the model's {num_layers} decoder layers",
            setting("train.kept_layers", num_layers),
        )
    return [Problem("train.kept_layers", what, hint)]


def _left_out(model: PreTrainedModel, chosen: ModelConfig) -> list[str]:
    if chosen.tuning.method == "full" or chosen.tuning.targets != "all-linear":
        return []
    return [f"all-linear leaves out {line}" for line in out_of_reach_summary(out_of_reach(model))]
