"""A model without weights: its structure can be asked in a second, and nothing is downloaded or allocated."""

import copy

import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from leanrl.errors import ConfigError, MissingError


def empty_model(config: PreTrainedConfig) -> PreTrainedModel:
    """Return the causal language model of `config` on the meta device; `config` stays as it is.

    Raises:
        MissingError: if the family needs a package that is not installed.
        ConfigError: if transformers cannot build it.
    """
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(copy.deepcopy(config), attn_implementation="eager")
    except ImportError as error:
        raise MissingError(
            f"a {config.model_type} needs a package that is not installed: {_first_line(error)}",
            hint="install it, or -s model.id=... with another model",
        ) from error
    except Exception as error:  # whatever the family's own code makes of values that it did not expect
        raise ConfigError(
            f"transformers cannot build a {config.model_type} from its config: {type(error).__name__}: "
            f"{_first_line(error)}",
            hint="compare its config.json with a published model of the family",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
