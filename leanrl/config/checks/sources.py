"""What a run trains on and what it is rewarded for: keys that contradict each other, or name nothing."""

from collections.abc import Iterator

from leanrl.config.names.nearest import nearest_name
from leanrl.config.schema import RunConfig
from leanrl.errors import Problem
from leanrl.hints import setting
from leanrl.prompting.thinking import NO_TAG, USUAL_TAGS, is_opening_tag


def source_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that cannot be run; `where` names the keys."""
    for check in (_sources, _rewards, _thinking, _lengths, _heldout):
        yield from check(config)


def _sources(config: RunConfig) -> Iterator[Problem]:
    data = config.data
    if not config.model.id:
        yield Problem("model.id", "no model is named", "`-s model.id=<Hub id or folder>`")
    sources = {"data.generator": data.generator, "data.path": data.path, "data.hub_id": data.hub_id}
    named = [name for name, value in sources.items() if value is not None]
    if not named:
        yield Problem(", ".join(sources), "no problems to train on", "set one, for example `-s data.path=my.jsonl`")
    if len(named) > 1:
        yield Problem(", ".join(named), "name several sources of problems", "keep one and leave the others out")
    if "{problem}" not in data.prompt_template:
        yield Problem(
            "data.prompt_template", "has no {problem}: every prompt would be the same", "put {problem} where it belongs"
        )


def _rewards(config: RunConfig) -> Iterator[Problem]:
    if not config.rewards:
        yield Problem("rewards", "there is none, so nothing could be learnt", "for example `-s rewards.accuracy=1.0`")
    elif not any(config.rewards.values()):
        yield Problem("rewards", "every weight is 0, so nothing could be learnt", "give one of them a weight")


def _thinking(config: RunConfig) -> Iterator[Problem]:
    tag = config.model.thinking_tag
    if tag is None or tag == NO_TAG or is_opening_tag(tag):
        return
    near = nearest_name(tag, USUAL_TAGS)
    hint = f"Did you mean `{near}`?" if near else f"known tags: {' '.join(USUAL_TAGS)}, or {NO_TAG} where there is none"
    yield Problem("model.thinking_tag", f"{tag!r} is no tag that opens a thinking part", hint)


def _lengths(config: RunConfig) -> Iterator[Problem]:
    rollout = config.rollout
    needed = rollout.max_prompt_tokens + rollout.max_completion_tokens
    if rollout.max_model_tokens is not None and rollout.max_model_tokens < needed:
        yield Problem(
            "rollout.max_model_tokens, rollout.max_prompt_tokens, rollout.max_completion_tokens",
            f"{rollout.max_prompt_tokens} + {rollout.max_completion_tokens} tokens do not fit into "
            f"{rollout.max_model_tokens}",
            f"`{setting('rollout.max_model_tokens', needed)}`, or null for just enough",
        )


def _heldout(config: RunConfig) -> Iterator[Problem]:
    if config.eval.greedy and not config.data.num_heldout:
        yield Problem(
            "data.num_heldout, eval.greedy", "no problems are held out to be asked", "`-s data.num_heldout=50`"
        )
