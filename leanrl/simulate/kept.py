"""Simulations that are kept: a config is simulated once, in a process of its own, and read from a file after that."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.errors import SimulationError
from leanrl.machine.endings import ending_in_words
from leanrl.machine.environment import installed_version
from leanrl.planner.automatic import with_chosen
from leanrl.planner.measured import MeasuredModel, MeasuredStep
from leanrl.planner.models.counted import Counted
from leanrl.planner.models.known_models import find_model_config
from leanrl.planner.models.layer_inputs import LayerInputs
from leanrl.planner.models.layer_sizes import LayerSizes
from leanrl.planner.models.own_attention import OwnAttention
from leanrl.planner.models.shapes import ModelShape
from leanrl.storage.home import expanded
from leanrl.storage.temporary.owned import owned_folder

# Their code runs in a simulation.
_PACKAGES = ("leanrl", "torch", "transformers", "peft")
# Sections of a config that decide bytes, and the keys in them that do not.
_SECTIONS = ("model", "optimizer", "algorithm", "train", "rollout", "hardware")
_WITHOUT_BYTES = {
    "model": ("id", "revision", "wheel"),
    "optimizer": ("learning_rate",),
    "train": ("max_steps", "seed", "probe"),
    "hardware": ("gpu", "vram_gib", "bandwidth_gb_per_second", "bf16_tflops", "usd_per_hour"),
}
# A process of its own is one rank without a GPU, whatever asks for it.
_OF_A_RANK = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_SECONDS = 600.0


def simulated_model(config: RunConfig, *, say: Callable[[str], None]) -> MeasuredModel:
    """Return the model of a run with its shape, counted by a simulation, and what simulates other settings of the run.

    Raises:
        MissingError: if the model's config.json cannot be had.
        SimulationError: if transformers does not know the model, or its code does not run without numbers.
    """
    model_config, _ = find_model_config(config.model.id, revision=config.model.revision)
    smallest = with_chosen(config, None)

    def measure(changed: RunConfig) -> MeasuredStep:
        return MeasuredStep(_kept_answer(changed, model_config, say)["phases"])

    return MeasuredModel(_read_shape(_kept_answer(smallest, model_config, say)["shape"]), measure)


def cache_folder() -> Path:
    """Return the folder of kept simulations: `LEANRL_CACHE`, else the user's cache folder."""
    named = os.environ.get("LEANRL_CACHE")
    users = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expanded(Path(named) if named else Path(users) / "leanrl") / "simulations"


def _kept_answer(config: RunConfig, model_config: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Return the answer from its file, or from a simulation, which then writes the file."""
    path = cache_folder() / f"{_key(config, model_config)}.json"
    kept = _read(path)
    if kept is not None:
        return kept
    num_completions = config.full_completions_per_micro_batch
    say(f"simulating a step with {num_completions} completions a micro-batch: half a minute, kept in {path.parent}")
    answer = _simulate(config)
    _write(path, answer)
    return answer


def _key(config: RunConfig, model_config: Mapping[str, Any]) -> str:
    """Return a hash of everything that a simulation depends on: model, settings, and the code that runs."""
    settings = config.model_dump(mode="json", include=set(_SECTIONS))
    for section, names in _WITHOUT_BYTES.items():
        for name in names:
            settings[section].pop(name, None)
    versions = {package: installed_version(package) for package in _PACKAGES}
    parts = {"model": dict(model_config), "settings": settings, "versions": versions, "code": _code_digest()}
    return _digest(json.dumps(parts, sort_keys=True))


def _code_digest() -> str:
    """Return a hash of leanrl's own files, which a checkout changes without its version."""
    root = Path(__file__).resolve().parents[1]
    hashed = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        hashed.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a file holds, or None where there is none or it is not as it was written."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept["answer"] if kept["sha256"] == _digest(json.dumps(kept["answer"], sort_keys=True)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, answer: Mapping[str, Any]) -> None:
    """Keep an answer, whole or not at all; without a folder to write to, the next plan simulates again."""
    kept = {"sha256": _digest(json.dumps(answer, sort_keys=True)), "answer": answer}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with owned_folder(path.parent, prefix="writing-") as folder:
            beside = folder.path / path.name
            beside.write_text(json.dumps(kept), encoding="utf-8")
            os.replace(beside, path)
    except OSError:
        return


def _simulate(config: RunConfig) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_RANK}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "leanrl.simulate"],
            input=config.model_dump_json(),
            env=environment | {"CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SimulationError(f"the simulation of {config.model.id} took longer than {_SECONDS:.0f} s") from None
    answer = _last_json(done.stdout)
    if answer is None:
        raise SimulationError(_last_line(done.stderr, config.model.id, done.returncode))
    if "error" in answer:
        raise SimulationError(answer["error"], hint=answer["hint"])
    return answer


def _last_json(text: str) -> dict[str, Any] | None:
    """Return the object in the last line: a model's own code may print before it."""
    try:
        return json.loads(text.strip().rsplit("\n", 1)[-1])
    except ValueError:
        return None


def _last_line(stderr: str, model_id: str, code: int) -> str:
    reason = (stderr.strip() or "no message").rsplit("\n", 1)[-1]
    return f"the simulation of {model_id} {ending_in_words(code)}: {reason}"


def _read_shape(values: Mapping[str, Any]) -> ModelShape:
    parts: dict[str, Any] = {name: tuple(values[name]) for name in ("mixing_widths", "layers_behind")}
    if values["own_attention"] is not None:
        parts["own_attention"] = OwnAttention(**values["own_attention"])
    parts["layers"] = tuple(LayerSizes(**sizes) for sizes in values["layers"])
    if values["inputs"] is not None:
        parts["inputs"] = LayerInputs(**values["inputs"])
    values, counted = {**values, **parts}, values["counted"]
    if counted is None:
        return ModelShape(**values)
    linears = {name: (inputs, outputs) for name, (inputs, outputs) in counted["linears"].items()}
    return ModelShape(**{**values, "counted": Counted(**{**counted, "linears": linears})})
