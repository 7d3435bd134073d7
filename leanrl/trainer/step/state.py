"""StepState: what steps leave to later ones, kept in checkpoints so that a resumed run goes on with it."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.ledger.recorded import RecordedLedger
from leanrl.storage.checkpoint_files import ALGORITHM_STATE
from leanrl.storage.run_folder import read_json, write_json
from leanrl.trainer.passes.step_pass import StepPass
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.control import controlled, controlled_values
from leanrl.trainer.step.prompt_stream import PromptStream


class StepState:
    """The place in the data, the state of plug-ins, rewards and limit, the ledger, the settings a plug-in changed.

    A checkpoint holds the state before the rollout in hand, for a resumed run that draws it again; one that goes on
    with its rows (see `unfinished`) takes the state within it.

    Args:
        config: of the run.
        stream: offers the prompts.
        algorithm: has plug-ins with a state.
        rewards: the state of group rewards by name; it is filled in place.
        recorded: the ledger.
        step_pass: has the settings of the loss.
        length: the limit of completions.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        stream: PromptStream,
        algorithm: Algorithm,
        rewards: dict[str, Any],
        recorded: RecordedLedger,
        step_pass: StepPass,
        length: LengthLimit,
    ) -> None:
        self._config = config
        self._stream = stream
        self._algorithm = algorithm
        self._rewards = rewards
        self._recorded = recorded
        self._step_pass = step_pass
        self._length = length
        self.mark()

    def mark(self) -> None:
        """Take the state as that between two rollouts."""
        self._marked = deepcopy(self.now())

    def now(self) -> dict[str, Any]:
        """Return the state as it is, as plain values."""
        return {
            "prompts": self._stream.state_dict(),
            "plugins": self._algorithm.state_dict(),
            "rewards": self._rewards,
            "length": self._length.state_dict(),
        }

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on with what `now` returned."""
        self._stream.load_state_dict(state["prompts"])
        self._algorithm.load_state_dict(state["plugins"])
        self._length.load_state_dict(state.get("length", {}))
        self._rewards.clear()
        self._rewards.update(state["rewards"])

    def save(self, folder: Path, *, step: int) -> None:
        """Write into a checkpoint what a run goes on with after `step` steps; it is the same on every rank."""
        settings = controlled_values(self._step_pass.settings)
        write_json(folder / ALGORITHM_STATE, {**self._marked, "settings": settings})
        self._recorded.save(folder, step=step)

    def load(self, folder: Path, *, step: int) -> None:
        """Go on from the checkpoint of a step; one that has no state only says how far its run was."""
        self._recorded.restore(folder)
        if (folder / ALGORITHM_STATE).is_file():
            state = read_json(folder / ALGORITHM_STATE)
            self.take(state)
            has_reference = self._config.algorithm.kl_beta != 0.0
            settings = controlled(self._step_pass.settings, state["settings"], has_reference=has_reference)
            self._step_pass.settings = settings
        else:
            for _ in range(step // self._config.steps_per_rollout):
                self._stream.take(self._config.train.num_prompts)
        self.mark()
