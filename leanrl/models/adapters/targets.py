"""Whether the adapter that a run asks for fits the model, found without weights: PEFT itself is asked."""

from collections.abc import Sequence

from peft import get_peft_model
from peft.tuners.lora.layer import ParamWrapper
from transformers import PreTrainedConfig, PreTrainedModel

from leanrl.config.schema import TuningConfig
from leanrl.errors import Problem
from leanrl.models.adapters.adapter import lora_config
from leanrl.models.structure.adaptable import SHARED, fused_experts, last_part, linear_modules, matches, out_of_reach
from leanrl.models.structure.empty_model import empty_model

_KEY = "model.tuning.targets"
_FULL = "-s model.tuning.method=full trains all weights"


def target_problems(config: PreTrainedConfig, tuning: TuningConfig) -> list[Problem]:
    """Return what stands against the adapter of `tuning` on a model of `config`; none for full training.

    Raises:
        ConfigError: if the model cannot be built.
    """
    if tuning.method == "full":
        return []
    model = empty_model(config)
    if tuning.targets == "all-linear" and fused_experts(model):
        return [_experts("all-linear", config, tuning)]
    if tuning.targets != "all-linear":
        problems = _ineffective(model, tuning.targets)
        if problems:
            return problems
    refusal = _refusal(model, tuning)
    if refusal is None:
        return []
    return [_experts(", ".join(tuning.targets), config, tuning) if refusal == "" else Problem(_KEY, refusal, _FULL)]


def _experts(asked: str, config: PreTrainedConfig, tuning: TuningConfig) -> Problem:
    weight = fused_experts(empty_model(config))[0]
    names = _safe_names(config, tuning)
    rest = f"-s '{_KEY}=[{','.join(names)}]' trains adapters on the rest; " if names else ""
    return Problem(
        _KEY,
        f"{asked} puts adapters on the experts of {config.get_text_config().model_type}, which are fused into one "
        f"weight for all ({weight}); such an adapter cannot be folded into the weight",
        f"{rest}{_FULL}, experts included",
    )


def _ineffective(model: PreTrainedModel, targets: Sequence[str]) -> list[Problem]:
    """An adapter that does not act everywhere, or changes more than it was trained in, would serve another policy."""
    lost = {name: reason for name, reason in out_of_reach(model).items() if matches(targets, name)}
    first = next(iter(lost), None)
    if first is None:
        return []
    bad = sorted({last_part(name) for name in lost})
    rest = [target for target in targets if last_part(target) not in bad]
    hint = f"-s '{_KEY}=[{','.join(rest)}]'" if rest else f"-s {_KEY}=all-linear leaves them out"
    fault = "cannot be folded back" if lost[first] == SHARED else "does not act"
    return [Problem(_KEY, f"an adapter on {', '.join(bad)} {fault}: {lost[first]} ({first})", hint)]


def _refusal(model: PreTrainedModel, tuning: TuningConfig) -> str | None:
    """Return PEFT's own words against these targets, "" where it would adapt fused weights, None where all is well.

    `model` is used up.
    """
    try:
        adapted = get_peft_model(model, lora_config(tuning, model), low_cpu_mem_usage=True)
    except ValueError as error:
        # "[PEFT:PeftType.LORA] Module ..."
        words = str(error).strip().partition("\n")[0]
        return "" if fused_experts(model) else f"PEFT refuses them: {words}"
    return "" if any(isinstance(module, ParamWrapper) for module in adapted.modules()) else None


def _safe_names(config: PreTrainedConfig, tuning: TuningConfig) -> list[str]:
    """Return the last parts of the modules that can have an adapter; PEFT takes some names for experts."""
    model = empty_model(config)
    names = {last_part(name) for name in linear_modules(model)} - {last_part(name) for name in out_of_reach(model)}
    alone = {name: tuning.model_copy(update={"targets": [name]}) for name in names}
    return sorted(name for name, one in alone.items() if _refusal(empty_model(config), one) is None)
