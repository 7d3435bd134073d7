"""The token budget of a trainer, and how its run ends where memory runs out for good."""

from typing import Any

from accelerate.utils import gather_object

from leanrl.engine.layers.kept_layers import keep_last_layers
from leanrl.errors import StoppedError
from leanrl.trainer.memory.out_of_memory import stop_among_ranks, stop_for_memory
from leanrl.trainer.memory.token_budget import Shortage, TokenBudget


def open_budget(trainer: Any) -> TokenBudget:
    """Return the budget of a trainer's micro-batches."""
    config, run, rank = trainer.lean_config, trainer.run, trainer.accelerator.process_index

    def give_up(shortage: Shortage) -> StoppedError:
        trainer.save_what_is_trained()
        return stop_for_memory(config, run, step=trainer.state.global_step + 1, shortage=shortage)

    def leave_other_ranks(shortage: Shortage) -> StoppedError:
        """Keep the smaller budget where a resumed run finds it; a checkpoint would take all ranks."""
        budget.save(run.new_token_budget(rank))
        return stop_among_ranks(config, run, budget=budget, step=trainer.state.global_step + 1, shortage=shortage)

    budget = TokenBudget(
        config.train,
        gather=gather_object,
        give_up=give_up,
        leave=leave_other_ranks,
        keep=lambda count: keep_last_layers(trainer.bare_model, count),
        fills_first=config.model.tuning.method == "full",
    )
    return budget
