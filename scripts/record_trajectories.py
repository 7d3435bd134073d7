"""Records short runs, number by number: `tests/trajectories` holds later code against them.

    python scripts/record_trajectories.py            # compares, and writes nothing
    python scripts/record_trajectories.py --write    # only where numbers change on purpose

A change of the building is right where every number stays.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.tiny_model import make_tiny_model
from tests.trajectories.runs import GOLDEN, RUNS, arithmetic, trajectory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    is_written = parser.parse_args().write
    with TemporaryDirectory() as name:
        folder = Path(name)
        model = make_tiny_model(folder / "model")
        runs = {run: trajectory(run, model=model, folder=folder) for run in RUNS}
    if is_written:
        GOLDEN.write_text(json.dumps({"arithmetic": arithmetic(), "runs": runs}, indent=1) + "\n")
        print(GOLDEN)
        return 0
    recorded = json.loads(GOLDEN.read_text())["runs"]
    for run in RUNS:
        print(f"{run}: {'equal to the bit' if runs[run] == recorded[run] else 'differs'}")
    return int(runs != recorded)


if __name__ == "__main__":
    sys.exit(main())
