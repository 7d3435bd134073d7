"""What overrides a method of TRL, transformers, torchao or bitsandbytes is written here, not copied from there."""

import inspect

import pytest
from bitsandbytes.optim import PagedAdamW8bit
from torchao.optim import AdamW8bit
from transformers import TrainerCallback
from trl import GRPOTrainer

from leanrl.engine.optimizers.adamw_8bit import RoundedAdamW8bit
from leanrl.engine.optimizers.paged_adamw import RoundedPagedAdamW8bit
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.records.callbacks import SignalStop, StepRecorder
from leanrl.trainer.unsloth.trainer import UnslothTrainer

MAX_SHARED_LINES = 40
PAIRS = [
    (LeanGRPOTrainer, GRPOTrainer),
    (UnslothTrainer, GRPOTrainer),
    (StepRecorder, TrainerCallback),
    (SignalStop, TrainerCallback),
    (RoundedAdamW8bit, AdamW8bit),
    (RoundedPagedAdamW8bit, PagedAdamW8bit),
]


def _overrides(ours, upstream):
    """Return (name, our source, upstream's) of every method of `ours` that hides one of `upstream`."""
    for name, method in vars(ours).items():
        hidden = getattr(upstream, name, None)
        if inspect.isfunction(method) and inspect.isfunction(hidden) and method is not hidden:
            yield name, inspect.getsource(method), inspect.getsource(hidden)


def _shared_lines(ours, theirs):
    """Return the lines of code, brackets alone left out, that both sources have."""
    known = {line.strip() for line in theirs.splitlines()}
    return [line.strip() for line in ours.splitlines() if line.strip() in known and any(map(str.isalnum, line))]


@pytest.mark.parametrize(("ours", "upstream"), PAIRS, ids=lambda side: side.__name__)
def test_an_override_repeats_few_lines_of_what_it_hides(ours, upstream):
    """The limit of one override holds for all of a class together."""
    found = {name: _shared_lines(*sources) for name, *sources in _overrides(ours, upstream)}
    assert found
    assert sum(map(len, found.values())) <= MAX_SHARED_LINES, found


def test_a_copy_would_be_seen():
    source = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    assert len(_shared_lines(source, source)) > MAX_SHARED_LINES
