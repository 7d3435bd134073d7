"""Follows README.md in a fresh clone as a new user would: types what the page shows, and records what was printed.

    python scripts/release/prove_readme.py [--keep FOLDER]

Writes benchmarks/results/readme-walk-<date>.json and beside it a transcript to read, readme-walk-<date>.txt, and takes
the demo's picture for README.md. A command is typed as it stands on the page, after the changes in WALK; what is left
out has its reason in LEFT_OUT. A command of the page that is in neither fails the script before it starts.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.head_clone import ROOT, clone_head
from leanrl.machine.environment import describe_machine

RESULTS = ROOT / "benchmarks" / "results"
KEPT_LINES = 40
DEMO = "$(ls -d runs/demo-*)"
SHORT = "-s train.max_steps=2"


@dataclass(frozen=True)
class Step:
    """A command of the page by its beginning, what of it is typed otherwise, and why."""

    begins: str
    changes: Sequence[tuple[str, str]] = ()
    why: str = ""


WALK = (
    Step("make demo"),
    Step("cat > legs.jsonl"),
    Step("leanrl train -p cpu-demo -s data.path=legs.jsonl"),
    Step(
        "leanrl train -p cpu-demo -s data.path=legs.jsonl",
        [("--dry-run", f"{SHORT} --run-dir runs/legs")],
        "trains, as the page says, for 2 steps",
    ),
    Step("leanrl train -p cpu-demo --plugin brief.py"),
    Step(
        "leanrl train -p cpu-demo --plugin brief.py",
        [("--dry-run", f"{SHORT} --run-dir runs/brief")],
        "trains with the reward for 2 steps",
    ),
    Step("leanrl plan -p single-gpu-lora"),
    Step("leanrl train -p single-gpu-lora --dry-run"),
    Step("leanrl report runs/mine", [("runs/mine", DEMO)], "the run of make demo"),
    Step("leanrl merge runs/mine", [("runs/mine", DEMO)], "the run of make demo"),
    Step(
        "leanrl eval runs/mine",
        [("runs/mine", DEMO), ("math500,amc23 --data-dir data", "legs.jsonl --samples 4 --max-tokens 14")],
        "the run of make demo; the file of the page, for a machine that reaches no Hub",
    ),
    Step("leanrl data build mini"),
)
LEFT_OUT = {
    "make test": "has a results file of its own",
    "python3 -m venv": "make demo has made the environment",
    "pip install -e": "vLLM needs a GPU",
    "leanrl train -p single-gpu-lora": "needs a GPU",
    "leanrl train --resume runs/mine": "the run is finished; tests/faults kills runs and goes on with them",
    "leanrl compare": "needs an evaluation of a second model",
    "leanrl data decontaminate": "needs the problems of a benchmark from the Hub",
}


def commands(page: str) -> Iterator[str]:
    """Yield the commands of a page's shell blocks, each with its continued lines or its document."""
    for block in re.findall(r"^```shell\n(.*?)^```$", page, re.M | re.S):
        yield from re.findall(r"^(?:cat > .*?^EOF|.*?(?<!\\))$(?=\n)", block, re.M | re.S)


def files(page: str) -> dict[str, str]:
    """Return the files that a page says to write, by name."""
    return dict(re.findall(r"into `([\w.]+)`:\n\n```python\n(.*?)^```$", page, re.M | re.S))


def typed(step: Step, shown: Sequence[str]) -> str:
    """Return the command of a step as it is typed."""
    line = next(command for command in shown if command.startswith(step.begins) and _is_meant(step, command))
    line = line if line.startswith("cat > ") else re.sub(r"\s+#.*$", "", line)
    for before, after in step.changes:
        assert before in line, (before, line)
        line = line.replace(before, after)
    return line


def unknown(shown: Sequence[str]) -> list[str]:
    """Return the commands of the page that are neither typed nor left out with a reason."""
    named = [step.begins for step in WALK] + list(LEFT_OUT)
    return [line for line in shown if line.strip() and not line.startswith(tuple(named))]


def _is_meant(step: Step, command: str) -> bool:
    return all(before in command for before, _ in step.changes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="copy the run folders of the clone there")
    keep = parser.parse_args().keep
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = list(commands(page))
    assert not unknown(shown), unknown(shown)
    with tempfile.TemporaryDirectory() as folder:
        clone, commit = clone_head(Path(folder))
        for name, content in files(page).items():
            (clone / name).write_text(content, encoding="utf-8")
        environment = os.environ | {"LEANRL_CACHE": f"{folder}/cache"}
        environment.pop("PYTHONPATH", None)
        done = []
        for step in WALK:
            done.append(_run(step, typed(step, shown), clone, environment))
            print(f"{done[-1]['typed']}: exit {done[-1]['exit_code']}, {done[-1]['seconds']} s", flush=True)
        pictures = {path.name: path.read_bytes() for path in clone.glob("runs/demo-*/report/accuracy_reward.png")}
        if keep is not None:
            shutil.copytree(clone / "runs", keep)
    _write(done, commit, pictures)
    if failed := [str(step["typed"]) for step in done if step["exit_code"] != 0]:
        raise SystemExit("\n".join(["failed:", *failed]))


def _run(step: Step, line: str, clone: Path, environment: dict[str, str]) -> dict[str, object]:
    """Run a command as in a terminal with the environment of `make demo`, where that is there."""
    script = f"if [ -f .venv/bin/activate ]; then . .venv/bin/activate; fi\n{line}"
    started = time.monotonic()
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    printed = ran.stdout.replace(str(clone), ".").replace(str(clone.parent), "..").splitlines()
    # pip names folders of packages that this machine is set up with
    printed = [text for text in printed if not text.startswith("WARNING: Location 'file:")]
    return {
        "typed": line,
        **({"changed": step.why} if step.why else {}),
        "exit_code": ran.returncode,
        "seconds": round(time.monotonic() - started, 1),
        "num_lines": len(printed),
        "last_lines": printed[-KEPT_LINES:],
    }


def _write(done: list[dict[str, object]], commit: str, pictures: dict[str, bytes]) -> None:
    name = f"readme-walk-{date.today().isoformat()}"
    answer = {
        "about": "README.md followed in a fresh clone: each command as the page shows it, or with a named change",
        "command": "python scripts/release/prove_readme.py",
        "commit": commit,
        "date": date.today().isoformat(),
        "machine": describe_machine() | {"commit": commit},
        "left_out": LEFT_OUT,
        "steps": done,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (RESULTS / f"{name}.txt").write_text("\n".join(_as_typed(step) for step in done), encoding="utf-8")
    for picture in pictures.values():
        (ROOT / "docs" / "images" / "cpu-demo-accuracy.png").write_bytes(picture)
    print(RESULTS / f"{name}.json")


def _as_typed(step: dict[str, object]) -> str:
    """Return a step as a terminal would show it."""
    lines = step["last_lines"]
    assert isinstance(lines, list)
    cut = ["..."] if len(lines) < int(str(step["num_lines"])) else []
    note = [f"# {step['changed']}"] if "changed" in step else []
    return "\n".join([*note, f"$ {step['typed']}", *cut, *lines, f"# exit code {step['exit_code']}", ""])


if __name__ == "__main__":
    main()
