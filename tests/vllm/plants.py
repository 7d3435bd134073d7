"""Faults that are planted in a rollout behind the second update of a run."""

from dataclasses import replace

from transformers import TrainerCallback

from leanrl.rollout.adapter_files import publish
from leanrl.rollout.owned_folder import claim_folder
from tests.trainer.small_trainer import Notes, small_trainer

PLANTED_AFTER = 2
# A shared beginning of more than 32 tokens fills a block, so that the prefix cache has something to serve.
PROMPT = "Add the two numbers and say what comes out: {i}+{i}="

# Asleep, vLLM drops its prefix cache, and nothing stale is left to serve.
AWAKE = {"sleep_level": 0}


class Plant(TrainerCallback):
    """Runs `plant(engine)` behind the second update."""

    def __init__(self, trainer, plant):
        self.trainer, self.plant = trainer, plant

    def on_step_end(self, args, state, control, **_):
        if state.global_step == PLANTED_AFTER:
            self.plant(self.trainer.rollout.engine)


def train_with(plant, config, run_path, trainers):
    """Train with a fault planted and return the trainer, which is among `trainers` even if it fails."""
    trainer, _, stop = small_trainer(config, run_path, listener=Notes(), prompt=PROMPT)
    trainers.append(trainer)
    trainer.add_callback(Plant(trainer, plant))
    try:
        trainer.train()
    finally:
        stop.restore()
    return trainer


def stale_adapter(engine):
    """Nothing reaches vLLM any more, and nobody says so."""
    engine.sync = lambda policy: None


def ignored_adapter(engine):
    """The requests name the base."""
    engine.generate = engine.generate_without_adapter


def reused_name(engine):
    """New weights under the old name and id, as `load_inplace` does it, and the prefix cache is kept."""
    from vllm.lora.request import LoRARequest

    served, root = engine._serving, claim_folder(needed_bytes=0)

    def sync(policy):
        folder = publish(policy.adapter, root.path, str(policy.version), dtype=engine._dtype)
        request = LoRARequest(served.lora_name, served.lora_int_id, str(folder), load_inplace=True)
        engine._llm.llm_engine.add_lora(request)
        root.close()

    engine.sync = sync


def wrong_temperature(engine):
    """Sampling at 1.0, vLLM's default, instead of 0.7."""
    generate = engine.generate
    engine.generate = lambda requests, sampling: generate(requests, replace(sampling, temperature=1.0))
