"""StepState: what steps leave to later ones, kept in checkpoints so that a resumed run goes on with it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from leanrl.config.scheduled import scheduled
from leanrl.config.schema import RunConfig
from leanrl.ledger.recorded import RecordedLedger
from leanrl.storage.checkpoint_files import ALGORITHM_STATE
from leanrl.storage.run_folder import read_json, write_json
from leanrl.trainer.passes.compared import ComparedScores
from leanrl.trainer.passes.step_pass import StepPass
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.control import controlled, controlled_values
from leanrl.trainer.step.prompt_stream import PromptStream
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.step.unfinished import load_unfinished, save_unfinished
from leanrl.trainer.step.updates import RolloutRows


class StepState:
    """The place in the data, the state of plug-ins, rewards and limit, the ledger, the settings a plug-in changed.

    `rollout` is the one that the next updates use; None before the first. A checkpoint holds the state before it, for
    a resumed run that draws it again, and where updates on it follow, its rows and the state within it.

    Args:
        config: of the run.
        stream: offers the prompts.
        algorithm: has plug-ins with a state.
        rewards: the state of group rewards by name; it is filled in place.
        recorded: the ledger.
        compared: knows which policy has sampled the rollout.
        step_pass: has the settings of the loss.
        length: the limit of completions.
        ranks: each keeps its own rows of the rollout.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        stream: PromptStream,
        algorithm: Algorithm,
        rewards: dict[str, Any],
        recorded: RecordedLedger,
        compared: ComparedScores,
        step_pass: StepPass,
        length: LengthLimit,
        ranks: Ranks,
    ) -> None:
        self.rollout: RolloutRows | None = None
        self._config = config
        self._stream = stream
        self._algorithm = algorithm
        self._rewards = rewards
        self._recorded = recorded
        self._compared = compared
        self._step_pass = step_pass
        self._length = length
        self._ranks = ranks
        self.mark()

    @property
    def log(self) -> RolloutLog:
        """The log of the rollout; an empty one before the first."""
        return RolloutLog() if self.rollout is None else self.rollout.log

    def mark(self) -> None:
        """Take the state as that between two rollouts."""
        self._marked = deepcopy(self._now())

    def save(self, folder: Path, *, step: int) -> None:
        """Write into a checkpoint what a run goes on with after `step` steps; it is the same on every rank."""
        settings = controlled_values(self._step_pass.settings)
        write_json(folder / ALGORITHM_STATE, {**self._marked, "settings": settings})
        self._recorded.save(folder, step=step)

    def save_rollout(self, folder: Path, *, step: int) -> None:
        """Write this rank's rows of the rollout into the checkpoint of a step, where updates on it follow."""
        if self.rollout is None or step % self._config.steps_per_rollout == 0:
            return
        shows_samples = self._config.log.completions_every_steps > 0
        records = list(self.rollout.log.records(list(self._config.rewards))) if shows_samples else []
        states = {"step": self._now(), "compared": self._compared.state_dict()}
        save_unfinished(folder, self.rollout, self._ranks, records=records, states=states)

    def load(self, folder: Path, *, step: int) -> None:
        """Go on from the checkpoint of a step, and with the rollout that it is in the middle of.

        The rollout in hand is dropped: another policy has sampled it.
        """
        self._recorded.restore(folder)
        self._load_between_rollouts(folder, step)
        self.mark()
        self._load_rollout(folder, step)

    def begin(self) -> None:
        """Take back in the run's folder what came after the checkpoint that was loaded."""
        self._recorded.rewind_copy()

    def _load_between_rollouts(self, folder: Path, step: int) -> None:
        """Take the state of a checkpoint; one that has none only says how far its run was."""
        if not (folder / ALGORITHM_STATE).is_file():
            for _ in range(step // self._config.steps_per_rollout):
                self._stream.take(self._config.train.num_prompts)
            return
        state = read_json(folder / ALGORITHM_STATE)
        self._take(state)
        has_reference = self._config.algorithm.kl_beta != 0.0
        self._step_pass.settings = controlled(self._step_pass.settings, state["settings"], has_reference=has_reference)

    def _load_rollout(self, folder: Path, step: int) -> None:
        unfinished = load_unfinished(folder, self._ranks)
        if unfinished is None:
            self.rollout = None
            return
        self.rollout = unfinished.rollout
        self._take(unfinished.states["step"])
        self._compared.load_state_dict(unfinished.states["compared"])
        temperature = scheduled(self._config, step).logprob_temperature
        self._step_pass.settings = replace(self._step_pass.settings, temperature=temperature)

    def _now(self) -> dict[str, Any]:
        """Return the state as it is, as plain values."""
        return {
            "prompts": self._stream.state_dict(),
            "plugins": self._algorithm.state_dict(),
            "rewards": self._rewards,
            "length": self._length.state_dict(),
        }

    def _take(self, state: Mapping[str, Any]) -> None:
        """Go on with what `_now` returned."""
        self._stream.load_state_dict(state["prompts"])
        self._algorithm.load_state_dict(state["plugins"])
        self._length.load_state_dict(state.get("length", {}))
        self._rewards.clear()
        self._rewards.update(state["rewards"])
