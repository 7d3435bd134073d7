"""Broken files of a run, through the command line: file x kind of damage x command.

A damaged checkpoint is named and the one before it is taken; a file that a command does not read cannot stop it.
"""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from leanrl.cli.main import main
from leanrl.config.load import load_run_config
from leanrl.models.trained import find_checkpoint
from leanrl.storage.checkpoint_files import COMPLETE, find_damage, seal, to_read
from leanrl.storage.run_folder import RunFolder, read_jsonl
from leanrl.trainer.checkpoints.hub import UPLOADED
from leanrl.trainer.checkpoints.upkeep import newest_checkpoint
from tests.cli.run import Outcome, tiny_overrides

NEWEST, BEFORE = 2, 1


@pytest.fixture
def run_here(monkeypatch, capfd):
    """The command line in this process: torch is imported once for all tests of this file."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["leanrl", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        return Outcome(left.value.code or 0, out, err)

    return run


def train(model, folder, *more):
    """Train two steps, and leave the run as a kill before its third would."""
    flags = tiny_overrides(model, "eval.greedy=false", "data.num_heldout=0", "log.completions_every_steps=0", *more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["leanrl", "train", "-p", "cpu-demo", *flags, "--run-dir", str(folder)])
        with pytest.raises(SystemExit) as left:
            main()
    assert not left.value.code
    run = RunFolder(folder)
    config = json.loads(run.config.read_text())
    config["train"]["max_steps"] = 3
    run.config.write_text(json.dumps(config))
    run.summary.write_text(json.dumps({**json.loads(run.summary.read_text()), "status": "running"}))
    return folder


@pytest.fixture(scope="module")
def trained(tiny_model, tmp_path_factory):
    return train(tiny_model, tmp_path_factory.mktemp("runs") / "lora")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, links as links."""
    return RunFolder(Path(shutil.copytree(trained, tmp_path / "run", symlinks=True)))


# --- damage ------------------------------------------------------------------------------------------------


def removed(file):
    file.unlink()


def emptied(file):
    file.write_bytes(b"")


def cut(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def of_another_kind(file):
    file.write_text("[3]\n")


DAMAGE = [removed, emptied, cut, flipped, of_another_kind]
READ = ["adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "tokenizer_config.json"]
RESUMED = ["adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]
FILES = sorted({*READ, *RESUMED, "training_args.bin", "chat_template.jinja"})


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_taken(run, name, damage):
    """Every file with every kind of damage, for what each command picks."""
    damage(run.checkpoint(NEWEST) / name)
    resumed, told = newest_checkpoint(run, load_run_config(run.config))
    assert resumed == run.checkpoint(BEFORE if name in RESUMED else NEWEST)
    assert [name in line and "step-000002" in line for line in told] == [True] * (name in RESUMED)

    heard = []
    found = find_checkpoint(run.path, warn=heard.append)
    is_read = name in (*READ, "chat_template.jinja")
    assert found.folder == run.checkpoint(BEFORE if is_read else NEWEST)
    assert [name in line and "step-000002" in line for line in heard] == [True] * is_read


CASES = [
    ("adapter_model.safetensors", flipped),
    ("optimizer.pt", emptied),
    ("scheduler.pt", removed),
    ("rng_state.pth", cut),
    ("trainer_state.json", of_another_kind),
]


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_resume_goes_on_from_the_checkpoint_before(run, run_here, name, damage):
    damage(run.checkpoint(NEWEST) / name)
    outcome = run_here("train", "--resume", run.path)
    assert outcome.code == 0, outcome.err
    assert f"{run.checkpoint(NEWEST)}: damaged: {name} " in outcome.err
    assert "step-000001 is taken" in outcome.err
    assert f"resuming {run.path} after step 1" in outcome.err
    assert [line["step"] for line in read_jsonl(run.metrics)] == [1, 2, 3]
    assert [path.name for path in run.complete_checkpoints()][-2:] == ["step-000002", "step-000003"]
    assert find_damage(run.checkpoint(NEWEST), lambda _: True) == []


@pytest.mark.parametrize(("name", "damage"), [("adapter_model.safetensors", flipped), ("adapter_config.json", cut)])
def test_merge_and_sample_take_the_checkpoint_before(run, run_here, tmp_path, name, damage):
    damage(run.checkpoint(NEWEST) / name)
    merged = run_here("merge", run.path, "--out", tmp_path / "out")
    asked = run_here("sample", run.path, "7 + 8", "--max-tokens", "2")
    for outcome in (merged, asked):
        assert outcome.code == 0, outcome.err
        assert f"{run.checkpoint(NEWEST)}: damaged: {name} " in outcome.err
    assert "merged step-000001 into" in merged.out


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt"])
def test_inspect_tells_of_a_broken_checkpoint_and_its_exit_code_says_so(run, run_here, name):
    whole = run_here("merge", run.path, "--inspect")
    assert (whole.code, whole.out.count("state: complete")) == (0, 2)
    flipped(run.checkpoint(NEWEST) / name)
    broken = run_here("merge", run.path, "--inspect")
    assert broken.code == 2
    assert f"state: broken: {name} holds other bytes than were saved" in broken.out
    assert broken.out.count("state: complete") == 1


def test_a_checkpoint_that_is_asked_for_by_name_is_refused(run, run_here, tmp_path):
    flipped(run.checkpoint(NEWEST) / "adapter_model.safetensors")
    for command in (["merge", run.checkpoint(NEWEST), "--out", tmp_path / "out"], ["sample", run.checkpoint(2), "1"]):
        outcome = run_here(*command)
        assert outcome.code == 2
        assert "adapter_model.safetensors holds other bytes than were saved" in outcome.err
        assert f"`leanrl merge {run.path} --out DIR` takes the newest whole checkpoint" in outcome.err
    assert not (tmp_path / "out").exists()


def test_where_none_is_whole_each_is_named(run, run_here, tmp_path):
    for step in (BEFORE, NEWEST):
        emptied(run.checkpoint(step) / "adapter_model.safetensors")
    merge, sample = ["merge", run.path, "--out", tmp_path / "out"], ["sample", run.path, "1"]
    for command in (["train", "--resume", run.path], merge, sample):
        outcome = run_here(*command)
        assert outcome.code == 2, outcome.err
        assert "has no checkpoint that is whole" in outcome.err
        for step in (BEFORE, NEWEST):
            assert f"{run.checkpoint(step)}: damaged: adapter_model.safetensors has 0 bytes" in outcome.err
        assert f"leanrl train -p {run.config}" in outcome.err
    assert [line["step"] for line in read_jsonl(run.metrics)] == [1, 2], "nothing is touched by a refused resume"


# --- COMPLETE of another time, or of another place -----------------------------------------------------------


@pytest.mark.parametrize("text", ["2\n", ""], ids=["of-0.1.0", "empty"])
@pytest.mark.parametrize(
    ("name", "damage"),
    [("adapter_model.safetensors", cut), ("optimizer.pt", flipped), ("optimizer.pt", removed), ("scheduler.pt", cut)],
)
def test_without_hashes_the_form_tells(run, text, name, damage):
    (run.checkpoint(NEWEST) / COMPLETE).write_text(text)
    config = load_run_config(run.config)
    assert newest_checkpoint(run, config) == (run.checkpoint(NEWEST), [])
    damage(run.checkpoint(NEWEST) / name)
    found, (told,) = newest_checkpoint(run, config)
    assert found == run.checkpoint(BEFORE)
    assert f"step-000002: damaged: {name} " in told


def test_a_mark_that_is_cut_is_damage(run):
    cut(run.checkpoint(NEWEST) / COMPLETE)
    found, (told,) = newest_checkpoint(run, load_run_config(run.config))
    assert found == run.checkpoint(BEFORE)
    assert "COMPLETE cannot be read" in told


def as_on_the_hub(checkpoint, folder):
    folder.mkdir(parents=True)
    for pattern in UPLOADED:
        for file in checkpoint.glob(pattern):
            shutil.copy(file, folder)
    return folder


def test_a_checkpoint_from_the_hub_merges_and_is_not_resumed(run, run_here, tmp_path):
    """Copied elsewhere, and copied back into the run: what the Hub does not hold is named."""
    copy = as_on_the_hub(run.checkpoint(NEWEST), tmp_path / "from-hub")
    refused = run_here("train", "--resume", copy)
    assert refused.code == 2
    assert "is not a run folder but a checkpoint, without optimizer.pt, rng_state.pth, scheduler.pt" in refused.err
    merged = run_here("merge", copy, "--out", tmp_path / "one")
    assert merged.code == 0, merged.err
    inspected = run_here("merge", copy, "--inspect")
    assert inspected.code == 0, inspected.out

    for step in (BEFORE, NEWEST):
        shutil.rmtree(run.checkpoint(step))
    shutil.copytree(copy, run.checkpoint(NEWEST))
    refused = run_here("train", "--resume", run.path)
    assert refused.code == 2
    for name in ("optimizer.pt", "rng_state.pth", "scheduler.pt"):
        assert f"{name} is not there" in refused.err
    merged = run_here("merge", run.path, "--out", tmp_path / "two")
    assert merged.code == 0, merged.err


# --- files that a command does not need ------------------------------------------------------------------------


@pytest.mark.parametrize("damage", DAMAGE)
def test_records_of_a_run_cannot_stop_a_command(run, run_here, tmp_path, damage):
    for file in (run.summary, run.plan, run.env, run.metrics):
        damage(file)
    commands = [
        ["merge", run.path, "--inspect"],
        ["merge", run.path, "--out", tmp_path / "out"],
        ["sample", run.path, "7 + 8", "--max-tokens", "2"],
        ["train", "--resume", run.path],
        ["report", run.path],
    ]
    for command in commands:
        outcome = run_here(*command)
        assert outcome.code == 0, (command, outcome.err)
    assert json.loads(run.summary.read_text())["status"] == "finished"


@pytest.mark.parametrize("kl_beta", [0.0, 0.1], ids=["no-kl", "kl"])
def test_a_start_adapter_that_is_gone_stops_nothing(run, tiny_model, tmp_path, run_here, kl_beta):
    start = Path(shutil.copytree(run.checkpoint(NEWEST), tmp_path / "start"))
    again = train(tiny_model, tmp_path / "again", f"model.tuning.start_adapter={start}", f"algorithm.kl_beta={kl_beta}")
    there = Path(shutil.copytree(again, tmp_path / "there", symlinks=True))
    assert run_here("train", "--resume", there).code == 0
    shutil.rmtree(start)
    for command in (["--inspect"], ["--out", tmp_path / "out"]):
        outcome = run_here("merge", again, *command)
        assert outcome.code == 0, outcome.err + outcome.out
    assert run_here("sample", again, "7 + 8", "--max-tokens", "2").code == 0
    outcome = run_here("train", "--resume", again)
    assert outcome.code == 0, outcome.err
    for file in ("adapter_model.safetensors", "optimizer.pt"):
        ours, theirs = ((folder / "checkpoints" / "step-000003" / file).read_bytes() for folder in (again, there))
        assert ours == theirs, f"{file}: the run went on as with the adapter"


# --- the newest adapter ------------------------------------------------------------------------------------------


def test_the_newest_adapter_has_a_name_that_stays(run, run_here, tiny_model):
    """PEFT loads it; after a resume it leads on; what walks the run folder does not walk it twice."""
    assert run.adapter.readlink() == Path("checkpoints/step-000002")
    assert [path for path in run.path.rglob("*") if run.adapter in path.parents] == []
    outcome = run_here("train", "--resume", run.path)
    assert outcome.code == 0, outcome.err
    policy = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), str(run.path / "adapter"))
    saved = load_file(run.checkpoint(3) / "adapter_model.safetensors")
    held = policy.state_dict()
    assert all((held[name.replace(".weight", ".default.weight")] == weight).all() for name, weight in saved.items())
    inspected = run_here("merge", run.path / "adapter", "--inspect")
    assert "step: 3" in inspected.out


def test_the_mark_is_sealed_again_by_hand(run):
    """What the tests above damage is found by the mark alone: sealed again, the same files are whole."""
    emptied(run.checkpoint(NEWEST) / "tokenizer.json")
    need = partial(to_read, adapter=None)
    assert find_damage(run.checkpoint(NEWEST), need)
    seal(run.checkpoint(NEWEST), step=NEWEST)
    assert find_damage(run.checkpoint(NEWEST), need) == []
