"""Settings with which a family that the closed form knows computes in a way that it does not count."""

from leanrl.config.schema import RunConfig
from leanrl.errors import NoFormulaError
from leanrl.planner.models.shapes import ModelShape


def require_formula(config: RunConfig, shape: ModelShape) -> None:
    """Refuse a run whose step the closed form cannot count.

    Raises:
        NoFormulaError: with the setting that it does not count.
    """
    uncounted = uncounted_setting(config, shape)
    if uncounted is not None:
        raise NoFormulaError(
            f"the planner has no formula for {shape.family} with {uncounted}.",
            hint="`leanrl plan --exact` simulates any model that transformers knows",
        )


def uncounted_setting(config: RunConfig, shape: ModelShape) -> str | None:
    """Return what is not counted of layers with attention of their own, or None where all is.

    They write out scores by code of their own, add fp32 biases to 16-bit products, and have linear layers of a class
    that bitsandbytes leaves as it is.
    """
    if shape.own_attention is None:
        return None
    is_cast = config.model.dtype == "float32" and config.model.compute_dtype != "float32" and not config.shares_weights
    settings = {
        "model.attention: eager": config.model.attention == "eager",
        "fp32 biases under autocast": shape.mlp_bias and is_cast,
        "model.tuning.method: qlora": config.model.tuning.method == "qlora",
    }
    return next((name for name, is_so in settings.items() if is_so), None)
