"""The bridge between TRL's trainer and a rollout engine: versions handed over, completions handed back.

Axes: B completions, T completion tokens.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import PreTrainedModel

from leanrl.engine.rows import StepRow, lay_out
from leanrl.engine.step import score_micro_batch
from leanrl.rollout.adapter_files import travelling
from leanrl.rollout.effect_test import EffectTest
from leanrl.rollout.group_seeds import with_seeds
from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, NamedTensors, Policy, RolloutEngine, Sampling
from leanrl.rollout.selftest import AdapterScorer, Drawn, Highest, Scorer, SelfTest, its_own

# A run's first steps are tested whatever `rollout.selftest_every_steps` says: at step 1 an adapter is still all zeros
# and cannot be told from none.
_FIRST_TESTED_STEPS = 3
# Scored by a rank that has nothing left to score while another one has.
_ONE_TOKEN = Drawn([0], [0], [0.0])


@dataclass(frozen=True)
class Rollout:
    """A step's completions in the order of their prompts, and what is worth a line of metrics.

    `logprobs_B` is None where the model that trains has sampled by itself.
    """

    completion_ids_B: list[list[int]]
    logprobs_B: list[list[float]] | None
    measures: dict[str, float] = field(default_factory=dict)


class RolloutBridge:
    """Brings an engine to the current policy, draws from it, and tests that it is the current policy.

    Args:
        engine: what generates.
        policy: returns the weights that travel, by the number of steps trained.
        scorer: the trainer's side of the self-test; None tests nothing: the engine shares the weights.
        adapters: what can be scored besides where an adapter is trained.
        selftest: what compares the two sides.
        tolerance: of the self-test, in nats.
        test_every_steps: steps between self-tests.
        metered: opened around the arrival of new weights.
        woken: called when the engine has its memory back.
        highest: of the ranks that are tested together.
        run_seed: decides with the step what is drawn of each prompt; None leaves it to the engine's random state.
    """

    def __init__(
        self,
        engine: RolloutEngine,
        *,
        policy: Callable[[int], Policy],
        scorer: Scorer | None,
        adapters: AdapterScorer | None = None,
        selftest: Callable[..., SelfTest | EffectTest] = SelfTest,
        tolerance: float,
        test_every_steps: int,
        metered: Callable[[], AbstractContextManager[None]] = nullcontext,
        woken: Callable[[], None] = lambda: None,
        highest: Highest = its_own,
        run_seed: int | None = None,
    ) -> None:
        self.engine = engine
        self._run_seed = run_seed
        self._metered = metered
        self._woken = woken
        self._highest = highest
        self._policy = policy
        self._scorer = scorer
        self._adapters = adapters
        self._selftest = selftest
        self._tolerance = tolerance
        self._test_every_steps = test_every_steps
        self._served: Policy | None = None
        self._adapter_before: Adapter | None = None
        self._last_round: tuple[int, int] | None = None  # step, and number of the round within it

    def draw(self, prompts: Sequence[list[int]], *, step: int, sampling: Sampling) -> Rollout:
        """Return one completion for each prompt, drawn from the weights after `step` optimizer steps.

        Raises:
            RolloutMismatchError: if the engine draws from anything else.
        """
        requests = group_requests(prompts)
        if self._run_seed is not None:
            requests = with_seeds(requests, run_seed=self._run_seed, step=step, round_number=self._begin_round(step))
        self.engine.wake()
        self._woken()
        measures: dict[str, float] = {}
        self._sync(step)
        groups = self.engine.generate(requests, sampling)
        if self._scorer is not None and self._is_tested(step):
            selftest = self._selftest(
                self.engine,
                self._scorer,
                self._adapters,
                sampling,
                self._adapter_before,
                self._tolerance,
                self._highest,
            )
            measures["sampling_logprob_difference"] = selftest.check(requests, groups)
        self.engine.sleep()
        completions = [completion for group in groups for completion in group]
        logprobs_B = [completion.logprobs for completion in completions if completion.logprobs is not None]
        return Rollout([completion.token_ids for completion in completions], logprobs_B or None, measures)

    def ask(self, requests: Sequence[GroupRequest], *, step: int, sampling: Sampling) -> list[list[Completion]]:
        """Return the group of every request, from the weights after `step` optimizer steps; nothing is tested.

        The engine forgets the prompts: a rollout that follows reads its own as if nothing had been asked.
        """
        self.engine.wake()
        self._woken()
        self._sync(step)
        groups = self.engine.generate(requests, sampling)
        self.engine.forget_prefixes()
        self.engine.sleep()
        return groups

    def weights_replaced(self) -> None:
        """Send the weights again before the next rollout: those of a checkpoint have taken their place.

        A run that was rolled back has other weights after the same number of steps.
        """
        self._served = self._last_round = None

    def close(self) -> None:
        self.engine.close()

    def _sync(self, step: int) -> None:
        if self._served is not None and self._served.version == step:
            return
        with self._metered():
            self._adapter_before = None if self._served is None else self._served.adapter
            self._served = self._policy(step)
            self.engine.sync(self._served)

    def _begin_round(self, step: int) -> int:
        """Return the number of this round of the step, from 0: a refill samples in place of dropped groups."""
        before = self._last_round
        number = before[1] + 1 if before is not None and before[0] == step else 0
        self._last_round = (step, number)
        return number

    def _is_tested(self, step: int) -> bool:
        return step < _FIRST_TESTED_STEPS or step % self._test_every_steps == 0


def group_requests(prompts: Sequence[list[int]]) -> list[GroupRequest]:
    """Return each run of equal prompts as one request: the engine then reads a prompt once for its whole group."""
    return [GroupRequest(list(prompt), len(list(run))) for prompt, run in groupby(prompts)]


class PolicyScorer:
    """`rollout.selftest.Scorer` on the model that is being trained.

    Args:
        model: the model with `engine.head` attached, unwrapped.
        rows_at_once: completions of one forward pass.
        autocast: the context in which the trainer computes.
        highest: of the ranks that score together: models in shards meet in each pass, so all make as many as one needs.
    """

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        *,
        pad_id: int,
        device: torch.device | str,
        rows_at_once: int,
        autocast: Callable[[], AbstractContextManager[None]],
        highest: Highest = its_own,
    ) -> None:
        self._model = model
        self._pad_id = pad_id
        self._device = device
        self._rows_at_once = rows_at_once
        self._autocast = autocast
        self._highest = highest

    def score(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        was_training = self._model.training
        self._model.eval()  # dropout would make the trainer's own numbers differ from themselves
        try:
            starts = range(0, len(drawn), self._rows_at_once)
            scored = [
                scores
                for start in starts
                for scores in self._score_rows(drawn[start : start + self._rows_at_once], temperature)
            ]
            for _ in range(len(starts), int(self._highest(len(starts)))):
                self._score_rows([_ONE_TOKEN], temperature)
            return scored
        finally:
            self._model.train(was_training)

    def _score_rows(self, drawn: Sequence[Drawn], temperature: float) -> list[list[float]]:
        rows = [StepRow(prompt_ids=one.prompt_ids, completion_ids=one.token_ids) for one in drawn]
        micro_batch = lay_out(rows, pad_id=self._pad_id, device=self._device)
        with self._autocast():
            logprobs_B_T = score_micro_batch(self._model, micro_batch, temperature=temperature)
        return [scores[: len(one.token_ids)] for one, scores in zip(drawn, logprobs_B_T.float().tolist(), strict=True)]


class OtherPolicies:
    """`rollout.selftest.AdapterScorer` on a model with an adapter, which is as it was afterwards."""

    def __init__(self, model: PeftModel, scorer: Scorer) -> None:
        self._model = model
        self._scorer = scorer

    def score_base(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        with self._model.disable_adapter():
            return self._scorer.score(drawn, temperature=temperature)

    def score_with(self, adapter: Adapter, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        trained = adapter_of(self._model)
        set_peft_model_state_dict(self._model, dict(adapter.tensors))
        try:
            return self._scorer.score(drawn, temperature=temperature)
        finally:
            set_peft_model_state_dict(self._model, dict(trained.tensors))


def weights_of(model: PreTrainedModel) -> NamedTensors:
    """Yield all parameters with their names in a checkpoint, a tied one once; gathered where they are sharded.

    Every rank has to go through all of them: gathering is collective.
    """
    for name, parameter in model.named_parameters():
        weight = parameter.detach()
        yield name, weight.full_tensor() if hasattr(weight, "full_tensor") else weight


def adapter_of(model: PeftModel, *, dtype: torch.dtype = torch.float32) -> Adapter:
    """Return a copy of the adapter that is being trained, as PEFT would save it, in `dtype` on the host.

    What an engine computes with in bf16 leaves the card as bf16: half the bytes of an fp32 adapter.
    """
    config = {
        name: sorted(value) if isinstance(value, set) else value
        for name, value in model.active_peft_config.to_dict().items()
    }
    return Adapter(dict(travelling(get_peft_model_state_dict(model).items(), dtype)), config)
