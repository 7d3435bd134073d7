"""A child's program: four steps of unsloth's patched trainer on completions of a real vLLM, the self-test in each.

    python -m tests.unsloth.rollout_steps MODEL_FOLDER RUN_FOLDER vllm-colocate|vllm-server|SERVER_URL none|FAULT

Prints one JSON object: what each step measured, and what ended the run. A fault is one of tests/vllm/plants.py, planted
behind the second update.
"""

import json
import sys
from pathlib import Path

from tests.unsloth.no_card import force_patch


def main(folder: str, run: str, engine: str, planted: str) -> None:
    import unsloth  # noqa: F401 - before everything that it patches

    force_patch()
    from leanrl.rollout.selftest import RolloutMismatchError
    from leanrl.trainer.unsloth.patch import require_patched_trl
    from tests.unsloth.train_steps import OF_ANY_LENGTH, adapted, build
    from tests.vllm import plants

    require_patched_trl()
    config = _config(folder, engine)
    trainer, listener = build(config, adapted(folder, config), Path(run), prompts=OF_ANY_LENGTH)
    if planted != "none":
        trainer.add_callback(plants.Plant(trainer, getattr(plants, planted)))
    ended_by, padded = None, _noting_padding(trainer)
    try:
        trainer.train_from(None)
    except RolloutMismatchError as error:
        ended_by = {"fault": error.fault, "step": trainer.state.global_step, "difference": error.difference}
    finally:
        trainer.rollout.close()
    print(json.dumps({"steps": listener.steps, "padded": padded, "ended_by": ended_by}))


def _noting_padding(trainer):
    """Return a list that gets, step by step, whether padding was sampled, which unsloth cannot score as a token."""
    generate, padded = trainer._generate_single_turn, []

    def noting(*arguments, **named):
        completions, logprobs = generate(*arguments, **named)
        padded.append(any(trainer._tokenizer.pad_token_id in completion for completion in completions))
        return completions, logprobs

    trainer._generate_single_turn = noting
    return padded


def _config(folder, engine):
    from tests.trainer.small_trainer import small_config

    is_url = engine.startswith("http")
    served = {"engine": "vllm-server", "server_url": engine} if is_url else {"engine": engine}
    return small_config(
        folder,
        backend="unsloth",
        model={"tuning": {"rank": 4, "dropout": 0.05}},
        rollout={"max_prompt_tokens": 64, "temperature": 0.7} | served,
        optimizer={"learning_rate": 5.0e-2, "schedule": "constant"},
        train={"max_steps": 4},
        checkpoints={"every_steps": 50},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
