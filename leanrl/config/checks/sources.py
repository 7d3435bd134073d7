"""What a run trains on and what it is rewarded for: keys that contradict each other, or name nothing."""

from collections.abc import Iterator

from leanrl.config.names.nearest import nearest_name
from leanrl.config.schema import RunConfig
from leanrl.errors import Problem
from leanrl.hints import setting
from leanrl.prompting.thinking import NO_TAG, USUAL_TAGS, is_opening_tag


def source_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that cannot be run; `where` names the keys."""
    for check in (_sources, _rewards, _thinking, _lengths, _heldout, _evaluations):
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
    if data.generator == "json_objects" and config.rewards.get("accuracy"):
        what = "makes JSON objects, which the grader of mathematics does not judge"
        yield Problem("data.generator, rewards.accuracy", what, "`-s rewards.json_object=1 -s rewards.accuracy=0`")
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
    asking = [
        *(["eval.greedy"] if config.eval.greedy else []),
        *(["eval.every_steps"] if config.eval.every_steps is not None else []),
    ]
    held_out = config.data.num_heldout
    if asking and not held_out:
        where = ", ".join(["data.num_heldout", *asking])
        yield Problem(where, "no problems are held out to be asked", "`-s data.num_heldout=50`")


def _evaluations(config: RunConfig) -> Iterator[Problem]:
    asked, held_out = config.eval, config.data.num_heldout
    if asked.every_steps is None:
        if config.checkpoints.keep_best:
            yield Problem(
                "checkpoints.keep_best, eval.every_steps",
                "nothing is evaluated during training, so no checkpoint is the best",
                f"`{'' if held_out else '-s data.num_heldout=50 '}-s eval.every_steps=50`, or "
                "`-s checkpoints.keep_best=0`",
            )
        return
    if asked.num_problems is not None and 0 < held_out < asked.num_problems:
        yield Problem(
            "eval.num_problems, data.num_heldout",
            f"{asked.num_problems} problems are to be asked, and {held_out} are held out",
            f"`{setting('data.num_heldout', asked.num_problems)}`, or `{setting('eval.num_problems', held_out)}`",
        )
    if asked.samples > 1 and asked.temperature == 0:
        yield Problem(
            "eval.samples, eval.temperature",
            f"at temperature 0 all {asked.samples} completions of a problem are the same",
            "`-s eval.temperature=0.8`, or `-s eval.samples=1`",
        )
