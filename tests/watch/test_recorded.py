"""What the watchdog says of runs that really were, with its defaults."""

from pathlib import Path

import pytest

from leanrl.config.schema import RunConfig
from leanrl.storage.run_folder import read_jsonl
from leanrl.watch.watchdog import Watchdog

RECORDED = Path(__file__).with_name("recorded")
TESTS = Path(__file__).parents[1]
HEALTHY = sorted([*TESTS.rglob("metrics.jsonl"), RECORDED / "sums-healthy.jsonl"])


def seen(path):
    watchdog = Watchdog(RunConfig.model_validate({"rewards": {"accuracy": 1.0}}))
    return [watchdog.see(metrics) for metrics in read_jsonl(path)]


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_recorded_healthy_run_is_silent(path):
    sights = seen(path)
    assert sights
    assert [text for sight in sights for text in sight.warnings] == []
    assert [sight.fault for sight in sights if sight.fault] == []


def test_a_recorded_run_that_fell_apart_is_seen():
    """Its best steps are the first 30; from step 35 on a tenth of its answers are right."""
    sights = seen(RECORDED / "sums-fell-apart.jsonl")
    [warning] = [text for sight in sights for text in sight.warnings if "mean reward fell" in text]
    assert warning.endswith("-s optimizer.learning_rate=5e-07")
    fault = next(sight.fault for sight in sights if sight.fault)
    assert fault.step < 80
    assert fault.since_step < 35
