"""A short run in this process, evaluated or not, and a grader that a random model can please."""

import zlib

from leanrl.types import Row, Verdict
from tests.trainer.small_trainer import Notes, small_config, small_trainer

HELDOUT = [Row(id=f"h{i}", problem=f"{i}-1", gold=str(i - 1), asked_by=f"{i}-1=") for i in range(6)]
NUM_STEPS = 4


class ChecksumGrader:
    """Calls every second text correct, by its checksum: a random model answers no problem by itself."""

    def grade(self, requests):
        return [
            Verdict("correct" if zlib.crc32(f"{one.completion}{one.problem}".encode()) % 2 else "wrong", 0.0)
            for one in requests
        ]


class PlannedGrader:
    """Calls the first `right` answers correct, a number for each evaluation in their order; greedy ones ask once."""

    def __init__(self, *right):
        self.right = iter(right)

    def grade(self, requests):
        right = next(self.right)
        return [Verdict("correct" if number < right else "wrong", 0.0) for number in range(len(requests))]


def evaluated_config(model, *, sections=None, **settings):
    """Return a run of four steps; `settings` are those of `eval`, `sections` others."""
    values = {
        "eval": settings,
        "train": {"max_steps": NUM_STEPS},
        "checkpoints": {"every_steps": NUM_STEPS, "keep_last": 1},
        "data": {"num_heldout": len(HELDOUT)},
    }
    base = small_config(model, rollout={"temperature": 1.0})
    sections = {name: values.get(name, {}) | (sections or {}).get(name, {}) for name in {*values, *(sections or {})}}
    return small_config(model, **{name: base.model_dump()[name] | section for name, section in sections.items()})


def open_run(config, path, *, grader=None):
    """Return a trainer of the run in `path` with its listener and its signal stop."""
    notes = Notes()
    trainer, _, stop = small_trainer(config, path, listener=notes, heldout=HELDOUT, grader=grader or ChecksumGrader())
    return trainer, notes, stop
