"""A model's config, tokenizer and chat template held against a run, before its weights are loaded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leanrl.config.schema import RunConfig
from leanrl.errors import LeanRLError
from leanrl.models.locate import LocatedModel
from leanrl.prompting.rendering import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass
class ModelFindings:
    """What stands against training a model, and what a user should know of how it will run.

    The tokenizer is there unless an obstacle says why it is not.
    """

    obstacles: list[LeanRLError] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tokenizer: "PreTrainedTokenizerBase | None" = None


def examine_model(config: RunConfig, located: LocatedModel, first_prompt: Prompt) -> ModelFindings:
    """Run every check that needs no weights; the chat template is read by rendering the first prompt."""
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    findings = ModelFindings()
    checks: list[Callable[[], None]] = [
        lambda: _lengths(config, located),
        lambda: _parts(findings, config, located),
        lambda: _prompts(findings, config, located, first_prompt),
    ]
    for check in checks:
        try:
            check()
        except LeanRLError as error:
            findings.obstacles.append(error)
    return findings


def _lengths(config: RunConfig, located: LocatedModel) -> None:
    from leanrl.models.load import causal_config
    from leanrl.models.structure.lengths import require_lengths

    require_lengths(config, causal_config(located))


def _parts(findings: ModelFindings, config: RunConfig, located: LocatedModel) -> None:
    from leanrl.engine.trainable import require_trainable
    from leanrl.models.load import causal_config
    from leanrl.models.structure.attention import usable_attention

    findings.lines += require_trainable(config, located)
    if config.backend == "unsloth":  # its own kernels choose the attention
        return
    attention = usable_attention(causal_config(located), config.model.attention)
    if attention.reason is not None:
        findings.lines.append(f"attention: {attention.name}, since {attention.reason}")


def _prompts(findings: ModelFindings, config: RunConfig, located: LocatedModel, first_prompt: Prompt) -> None:
    from leanrl.models.chat_template import check_prompt, require_chat_template
    from leanrl.models.load import load_tokenizer

    findings.tokenizer = tokenizer = load_tokenizer(config.model, located)
    require_chat_template(tokenizer, config.model)
    findings.warnings += check_prompt(tokenizer, first_prompt, config.model.chat_template_kwargs)
