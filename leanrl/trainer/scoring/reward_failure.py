"""A reward that fails while a run goes on: what is trained is saved, and the way back is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leanrl.errors import RewardError
from leanrl.hints import command, quoted
from leanrl.storage.run_folder import RunFolder


@contextmanager
def saving_before_reward_errors(trainer: Any) -> Iterator[None]:
    """Keep what a trainer has trained where a function of the user's fails, and say how to go on.

    Raises:
        RewardError: as `stop_for_reward`.
    """
    try:
        yield
    except RewardError as error:
        if trainer.accelerator.num_processes == 1:  # the other ranks would not come to the checkpoint
            trainer.save_what_is_trained()
        raise stop_for_reward(trainer.run, error) from error


def stop_for_reward(run: RunFolder, error: RewardError) -> RewardError:
    """Return the error that ends the run: the reward's, with the file to correct and the command that goes on.

    A resumed run takes its own copy of a plug-in, so that copy has to be corrected; corrected, it has another hash.
    """
    complete = run.complete_checkpoints()
    if not complete:
        return type(error)(
            f"{error.message}\nNo step is finished, so there is no checkpoint.",
            hint=f"{error.hint}, then start the run anew; `rm -r {quoted(run.path)}` removes what there is of it",
        )
    copies = [copy for copy in run.kept_plugins() if str(copy) not in str(error.hint)]
    own = f" (the run has its own copy: {', '.join(map(str, copies))})" if copies else ""
    flags = ["--trust-plugins"] if run.kept_plugins() else []
    return type(error)(
        f"{error.message}\n{complete[-1].name} is saved.",
        hint=f"{error.hint}{own}, then `{command('train', '--resume', run.path, *flags)}`",
    )
