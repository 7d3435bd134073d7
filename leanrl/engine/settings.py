"""What the loss of a step depends on besides its rows."""

from dataclasses import dataclass
from typing import Literal

from leanrl.algorithms.kl import KlEstimator
from leanrl.config.schema import RunConfig
from leanrl.seams.protocols import Correction, TokenWeights
from leanrl.seams.registry import made

PolicyLoss = Literal["clip", "gspo", "cispo"]


@dataclass(frozen=True)
class LossSettings:
    """The algorithm's values by the names of `config.algorithm`, which explains them."""

    clip_low: float
    clip_high: float
    kl_beta: float
    temperature: float
    loss: PolicyLoss = "clip"
    kl_estimator: KlEstimator = "k3"
    entropy_coef: float = 0.0
    correction: Correction | None = None
    token_weights: TokenWeights | None = None

    @property
    def needs_every_row(self) -> bool:
        """Whether a completion with advantage 0 has a gradient all the same."""
        return self.kl_beta != 0.0 or self.entropy_coef != 0.0


def loss_settings(config: RunConfig) -> LossSettings:
    """Return the settings of a run."""
    algorithm = config.algorithm
    return LossSettings(
        clip_low=algorithm.clip_low,
        clip_high=algorithm.clip_high,
        kl_beta=algorithm.kl_beta,
        temperature=config.logprob_temperature,
        loss=algorithm.loss,
        kl_estimator=algorithm.kl_estimator,
        entropy_coef=algorithm.entropy_coef,
        correction=made(algorithm.choice("correction")),
        token_weights=made(algorithm.choice("token_weights")),
    )
