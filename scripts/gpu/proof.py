"""Proves leanrl on the GPU of this machine, stage by stage, into one results file.

    scripts/gpu_proof [--stages NAME...] [--seconds N] [--resume FILE] [--package-root FOLDER] [--commit HASH]
    scripts/gpu_proof --rehearse      # every stage at toy size on a CPU, so that only the card is new on the day
    scripts/gpu_proof --quick         # `make gpu-check`: is this card ready, in three minutes

A stage that fails, hangs or cannot run leaves the others alone: a command is killed with its children at its bound, and
a stage without the memory or the packages that it needs is skipped with the reason. The file is written after every
step; `--resume` keeps what passed on the same card and commit. `--package-root` holds folders of packages for a
machine without an index; `--commit` is the commit of a tree that has no .git. Exit code 0 where nothing failed.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from card import find_card  # noqa: E402 - scripts/ is no package
from proving import Row, Target, prove  # noqa: E402
from stages import chosen, read_stages  # noqa: E402

from leanrl.machine.environment import describe_machine  # noqa: E402


def main() -> int:
    asked = parse_arguments()
    card = None if asked.rehearse else find_card()
    if card is None and not asked.rehearse:
        print("no NVIDIA GPU that nvidia-smi lists; `scripts/gpu_proof --rehearse` runs on a CPU.", file=sys.stderr)
        return 5
    target = Target(
        device="cpu" if asked.rehearse else "cuda",
        card=card,
        out=asked.out.resolve(),
        package_root=asked.package_root,
        deadline=time.monotonic() + asked.seconds,
    )
    stages = chosen(read_stages(), asked.stages, is_quick=asked.quick)
    head = about(target, commit=asked.commit)
    kept = kept_rows(asked.resume, head)
    write = writer(target.out / results_name(target), head)
    rows: list[Row] = []
    for stage in stages:
        rows.append(kept.get(stage.name) or prove(stage, target, on_step=partial(_write_with, write, rows)))
        print(line_of(rows[-1]), flush=True)
    print(write(rows))
    print(last_line(rows, target))
    return 1 if any(row["verdict"] in ("failed", "stopped") for row in rows) else 0


def _write_with(write: Callable[[Sequence[Row]], Path], done: Sequence[Row], row: Row) -> None:
    write([*done, row])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/gpu_proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stages", nargs="+", default=[], metavar="NAME", help="only these, in the list's order")
    parser.add_argument("--seconds", type=float, default=3600.0, help="start no step that its bound would take beyond")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep what passed in this results file")
    parser.add_argument("--package-root", type=Path, metavar="FOLDER", help="packages for PYTHONPATH, by stage")
    parser.add_argument("--commit", metavar="HASH", help="the commit of a tree without .git")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "gpu-proof", help="results, logs and run folders")
    parser.add_argument("--rehearse", action="store_true", help="toy sizes on a CPU")
    parser.add_argument("--quick", action="store_true", help="only the steps of `make gpu-check`")
    return parser.parse_args()


def about(target: Target, *, commit: str | None) -> Row:
    """Return the head of the results file: command, commit, machine and card."""
    machine = describe_machine()
    return {
        "command": " ".join(["scripts/gpu_proof", *sys.argv[1:]]),
        "commit": commit or machine["commit"],
        "date": date.today().isoformat(),
        "is_rehearsal": target.is_rehearsal,
        "machine": machine,
        "card": None if target.card is None else target.card.to_json(),
    }


def results_name(target: Target) -> str:
    """Return <card>-<date>-gpu-proof.json, or rehearsal-<date>-gpu-proof.json."""
    name = "rehearsal" if target.card is None else re.sub(r"[^a-z0-9]+", "-", target.card.name.lower()).strip("-")
    return f"{name}-{date.today().isoformat()}-gpu-proof.json"


def writer(path: Path, head: Row) -> Callable[[Sequence[Row]], Path]:
    """Return what writes the rows so far; a file that is half written is never there under this name."""

    def write(rows: Sequence[Row]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(head | {"stages": list(rows)}, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
        return path

    return write


def kept_rows(path: Path | None, head: Row) -> dict[str, Row]:
    """Return the stages that passed in an earlier file, of the same commit, kind of run and card.

    Raises:
        SystemExit: for a file of another commit or card: its rows would not be this call's.
    """
    if path is None:
        return {}
    before = json.loads(path.read_text(encoding="utf-8"))
    same = ("commit", "is_rehearsal")
    differing = [key for key in same if before[key] != head[key]]
    if (before["card"] or {}).get("name") != (head["card"] or {}).get("name"):
        differing.append("card")
    if differing:
        raise SystemExit(f"{path} is of another {' and '.join(differing)}; leave --resume out to prove anew.")
    return {row["name"]: row for row in before["stages"] if row["verdict"] == "passed"}


def line_of(row: Row) -> str:
    seconds = sum(step.get("seconds", 0.0) for step in row["steps"])
    why = f" ({row['why']})" if row["why"] else ""
    return f"{row['verdict']:8} {row['name']:14} {seconds:5.0f} s{why}"


def last_line(rows: Sequence[Row], target: Target) -> str:
    """Return `go`, or what is wrong, in one line."""
    bad = [row for row in rows if row["verdict"] in ("failed", "stopped")]
    if bad:
        return "not ready: " + "; ".join(f"{row['name']}: {row['why']}" for row in bad)
    skipped = [f"{row['name']} ({row['why']})" for row in rows if row["verdict"] == "skipped"]
    where = "rehearsed on a CPU" if target.card is None else f"the {target.card.name} is ready"
    return f"go: {where}" + (f"; not tried: {', '.join(skipped)}" if skipped else "")


if __name__ == "__main__":
    raise SystemExit(main())
