"""Files for other programs (Docker, SLURM, SkyPilot, pre-commit) name commands and paths that exist here."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.run import leanrl

ROOT = Path(__file__).parents[2]


def lines_of(name: str) -> str:
    """The text of a file with continued lines joined."""
    return (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")


def test_pre_commit_runs_every_tool_of_check_and_no_other() -> None:
    config = yaml.safe_load(lines_of(".pre-commit-config.yaml"))
    hooks = [hook["entry"].removeprefix(".venv/bin/") for repo in config["repos"] for hook in repo["hooks"]]
    checked = re.findall(r'^"\$bin/([\w-]+)"(.*)$', lines_of("scripts/check"), re.M)
    assert hooks == [name + rest for name, rest in checked]


def test_the_slurm_line_is_the_one_that_a_dry_run_prints() -> None:
    text = lines_of("examples/slurm/two_nodes.sbatch")
    (asked,) = re.findall(r"^#   (leanrl train .*--dry-run)$", text, re.M)
    done = leanrl(*shlex.split(asked)[1:], "--json")
    assert done.code == 0, done.err
    first, second = json.loads(done.out)["processes"]
    (line,) = re.findall(r"^srun bash -c '(.*)'$", text, re.M)
    shown = [word for word in shlex.split(line) if not word.startswith("CUDA_VISIBLE_DEVICES=")]
    filled = {
        "--node-rank=$SLURM_NODEID": "--node-rank=0",
        "--rdzv-endpoint=$HOST_OF_NODE_0:29500": "--rdzv-endpoint=HOST_OF_NODE_0:29500",
    }
    assert [filled.get(word, word) for word in shown] == first["command"]
    assert second["command"] == [word.replace("--node-rank=0", "--node-rank=1") for word in first["command"]]
    assert f"CUDA_VISIBLE_DEVICES={first['environment']['CUDA_VISIBLE_DEVICES']} " in line
    assert re.search(r"^#SBATCH --nodes=2$", text, re.M)
    assert re.search(r"^#SBATCH --gpus-per-node=4$", text, re.M)


@pytest.fixture(scope="module")
def sky() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "examples" / "skypilot" / "a40x4.yaml").read_text(encoding="utf-8"))


def test_skypilot_asks_for_the_cards_of_the_preset_that_it_trains(sky: dict[str, Any]) -> None:
    (started,) = re.findall(r"^ +leanrl (train -p .*)$", sky["run"], re.M)
    config = json.loads(leanrl(*shlex.split(started), "--dry-run", "--json").out)["config"]
    card, number = sky["resources"]["accelerators"].split(":")
    assert (card.lower(), int(number)) == (config["hardware"]["gpu"], config["hardware"]["num_gpus"])
    (resumed,) = re.findall(r"leanrl train --resume (\S+)", sky["run"])
    assert f"--run-dir {resumed}" in started


@pytest.mark.parametrize("name", ["Dockerfile", "examples/skypilot/a40x4.yaml"])
def test_every_extra_that_is_installed_exists(name: str) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.optional-dependencies]")[2]
    extras = {extra for found in re.findall(r"'\.\[([\w,]+)\]'", lines_of(name)) for extra in found.split(",")}
    assert extras
    assert [extra for extra in extras if not re.search(rf"^{extra} = \[", project, re.M)] == []


def test_docker_copies_what_there_is_and_what_its_ignore_file_lets_in() -> None:
    copied = {path for line in re.findall(r"^COPY (.*) \S+$", lines_of("Dockerfile"), re.M) for path in line.split()}
    allowed = {line[1:] for line in lines_of(".dockerignore").splitlines() if line.startswith("!")}
    assert copied == allowed
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert re.findall(r"^FROM \S+ AS (\w+)$", lines_of("Dockerfile"), re.M) == ["base", "cpu", "cuda"]
