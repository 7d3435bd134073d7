"""A child's program: unsloth's loader, told of a card that is not there; the model lies on the CPU and is not run.

    python -m tests.unsloth.load_policy MODEL_FOLDER MAX_COMPLETION_TOKENS

Prints one JSON object: the adapter that the policy has, or what was refused.
"""

import json
import sys

from leanrl.errors import LeanRLError
from tests.unsloth.no_card import pretend_card


def main(folder: str, max_completion_tokens: str) -> None:
    import unsloth  # noqa: F401 - before everything that it patches

    pretend_card()
    try:
        print(json.dumps(_loaded(folder, int(max_completion_tokens))))
    except LeanRLError as error:
        print(json.dumps({"refused": str(error)}))


def _loaded(folder, max_completion_tokens):
    from peft import get_peft_model
    from transformers import GPT2Config, GPT2LMHeadModel

    from leanrl.errors import MissingError
    from leanrl.models.adapter import lora_config
    from leanrl.models.locate import LocatedModel
    from leanrl.models.unsloth import load_unsloth_policy, require_patched_model
    from tests.trainer.small_trainer import small_config

    config = small_config(
        folder,
        backend="unsloth",
        model={"dtype": "bfloat16", "compute_dtype": "bfloat16", "tuning": {"rank": 4, "alpha": 8.0, "dropout": 0.05}},
        rollout={"max_prompt_tokens": 64, "max_completion_tokens": max_completion_tokens},
    )
    policy = load_unsloth_policy(config, LocatedModel(folder, None, "folder"))
    adapter = policy.peft_config["default"]
    trained = [weight for weight in policy.parameters() if weight.requires_grad]
    foreign = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=32, vocab_size=64))
    try:
        require_patched_model(get_peft_model(foreign, lora_config(config.model.tuning)))
        said_of_foreign = None
    except MissingError as error:
        said_of_foreign = error.message
    return {
        "rank": adapter.r,
        "alpha": adapter.lora_alpha,
        "dropout": adapter.lora_dropout,
        "modules": sorted({name.rsplit(".", 1)[-1] for name in adapter.target_modules}),
        "num_weights": sum(weight.numel() for weight in trained),
        "dtypes": sorted({str(weight.dtype) for weight in trained}),
        "of_a_model_it_has_not_patched": said_of_foreign,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
