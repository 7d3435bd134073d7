"""A simulation in a process of its own: a run's config as JSON in, the model's shape and the step's peaks out.

    python -m leanrl.simulate < config.json

So torch, its patches and its memory stay out of the process that asks. An error that a user can fix is one JSON object
with the exit code of its class.
"""

import json
import sys
from dataclasses import asdict

from leanrl.config.schema import RunConfig
from leanrl.errors import LeanRLError
from leanrl.machine.environment import quiet_libraries


def main() -> int:
    quiet_libraries()
    config = RunConfig.model_validate_json(sys.stdin.read())
    try:
        answer = _answer(config)
    except LeanRLError as error:
        print(json.dumps({"error": error.message, "hint": error.hint}))
        return error.exit_code
    print(json.dumps(answer))
    return 0


def _answer(config: RunConfig) -> dict[str, object]:
    from leanrl.simulate.run import shape_and_simulation

    shape, simulation = shape_and_simulation(config)
    return {
        "shape": asdict(shape),
        "phases": {phase.name: phase.categories for phase in simulation.phases},
        "stand_ins": list(simulation.stand_ins),
    }


if __name__ == "__main__":
    sys.exit(main())
