"""The simulation behind a plan: `leanrl plan --exact`."""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leanrl.cli.plan_answer import Answer
    from leanrl.config.schema import RunConfig


def with_simulation(answer: "Answer", config: "RunConfig") -> "Answer":
    """Return the answer with the simulation behind it; what it is doing is said on stderr."""
    from leanrl.cli.progress import listening
    from leanrl.environment import quiet_libraries
    from leanrl.planner.fit import with_planned_micro_batch

    quiet_libraries()
    with listening() as listener:
        listener.say(f"simulating a step of {config.model.id} ({config.model.tuning.method}): a minute or less")
        from leanrl.simulate.run import simulate_run, simulation_text, to_json

        simulated = simulate_run(with_planned_micro_batch(config, answer.plan), say=listener.say)
    value = answer.value | {"exact": to_json(simulated)}
    return replace(answer, value=value, screen=[*answer.screen, simulation_text(simulated)])
