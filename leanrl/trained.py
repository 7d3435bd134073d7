"""What a trained run gives: a merged model, and the answer to a problem."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.machine.environment import quiet_libraries
from leanrl.preflight.sources import require_merge_out, require_trained
from leanrl.report.progress import PlainListener
from leanrl.storage.chosen_checkpoint import chosen_checkpoint
from leanrl.types import Listener

if TYPE_CHECKING:
    from leanrl.models.merging.merge import MergeReport


def merge(
    source: Path | str,
    out: Path | str,
    *,
    checkpoint: str | None = None,
    listener: Listener | None = None,
    **choices: Any,
) -> "MergeReport":
    """Fold a run's adapter into its base and write the model to `out`.

    `checkpoint` names one of the run's: best, or its step; None takes the newest whole one.
    `choices` are those of `MergeChoices`. The listener hears what is being done; by default it goes to stderr.
    """
    from leanrl.models.merging.choices import MergeChoices, checked

    checked(MergeChoices(**choices))
    require_trained(Path(source))
    source = _chosen(source, checkpoint)
    require_merge_out(Path(out), may_exist=choices.get("push") is not None)
    quiet_libraries()
    from leanrl.evaluation.card_scores import scores_for_card
    from leanrl.models.merging.merge import merge_run
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    listener = listener or PlainListener()
    return merge_run(source, Path(out), say=listener.say, warn=listener.warn, model_index=scores_for_card, **choices)


def sample(
    source: Path | str,
    problem: str,
    *,
    temperature: float = 0.0,
    max_completion_tokens: int | None = None,
    checkpoint: str | None = None,
) -> str:
    """Return the answer of a run's newest checkpoint, or of a model's folder, to one problem.

    `checkpoint` names another one of the run: best, or its step.

    A run and a merged model are asked with the prompt of training, any other model with the problem alone.

    Raises:
        ConfigError: if the problem is empty, or `source` holds nothing that can be asked.
    """
    if not problem.strip():
        raise ConfigError("The problem is empty: there is nothing to ask.", hint=command("sample", source, "7 + 8"))
    require_trained(Path(source))
    source = _chosen(source, checkpoint)
    quiet_libraries()
    from leanrl.data.prompts import build_prompt
    from leanrl.models.answerer import load_answerer
    from leanrl.models.quiet import quiet_transformers
    from leanrl.prompting.stopping import stopping_of
    from leanrl.rollout.hf import complete

    quiet_transformers()
    asked = load_answerer(source, warn=PlainListener().warn)
    data = asked.config.data
    prompt = build_prompt(
        problem, template=data.prompt_template, system_prompt=data.system_prompt, examples=data.examples
    )
    completions = complete(
        asked.model,
        asked.tokenizer,
        [prompt],
        stopping=stopping_of(asked.tokenizer, asked.model),
        template_kwargs=asked.config.model.chat_template_kwargs,
        max_completion_tokens=max_completion_tokens or asked.config.rollout.max_completion_tokens,
        temperature=temperature,
        batch_size=1,
    )
    return next(iter(completions))


def _chosen(source: Path | str, checkpoint: str | None) -> Path:
    return Path(source) if checkpoint is None else chosen_checkpoint(Path(source), checkpoint)
