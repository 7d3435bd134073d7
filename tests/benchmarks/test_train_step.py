"""training/train_step.py on a tiny model: what the step is made of, who measures what, and what is written."""

import json
import sys
from argparse import Namespace

import pytest
import torch

from benchmarks.models.random_model import write_random_model
from benchmarks.training import train_step, train_step_peak, train_step_sides
from benchmarks.training.train_step import SCALES, TINY_SCALE, measure_times, sides_of, turns, with_ratios
from benchmarks.training.train_step_case import CASES, LEANRL, SIDES, TRL, TRL_TILES, Case, make_step, savings
from benchmarks.training.training_phase import Clock

MIX = Case("lora", 0.04, "mix")
LATER = 1e12


def _asked(**changes):
    asked = {"what": "sides", "sides": "", "device": "cpu", "tiny": True, "vram": None, "repetitions": 1}
    return Namespace(**asked | changes)


@pytest.mark.parametrize("place", SCALES)
def test_the_mix_has_the_tail_of_its_file_and_a_third_of_groups_without_variance(place):
    """14 % of the completions reach the limit, the median is 650 / 1024 of it, the mean 0.66."""
    scale = SCALES[place]
    step = make_step(MIX, scale)
    longest = 1024 // scale.divisor
    count = len(step.lengths)
    assert max(step.lengths) == longest
    assert sum(length == longest for length in step.lengths) / count == pytest.approx(0.14, abs=0.5 / count + 0.02)
    assert sorted(step.lengths)[count // 2] / longest == pytest.approx(650 / 1024, abs=0.05)
    assert sum(step.lengths) / count / longest == pytest.approx(0.66, abs=0.02)
    groups = [step.rewards[start : start + scale.group] for start in range(0, count, scale.group)]
    assert sum(len(set(group)) == 1 for group in groups) == len(groups) // 3


def test_equal_rows_have_one_length_and_no_group_without_variance():
    scale = SCALES["cpu", "time"]
    step = make_step(Case("full", 0.0, "equal"), scale)
    assert set(step.lengths) == {1024 // scale.divisor}
    assert len(step.rewards) == scale.num_prompts * scale.group
    assert all(
        set(step.rewards[start : start + scale.group]) == {0.0, 1.0}
        for start in range(0, len(step.rewards), scale.group)
    )


@pytest.mark.parametrize("case", [MIX, Case("full", 0.0, "mix")], ids=lambda case: case.name)
def test_all_sides_take_the_same_step(case):
    """Losses and gradients are equal, in whichever way the sides come to them.

    On policy the loss is 0 but for rounding; a gradient of 0 would have no relative difference.
    """
    found = measure_times(case, TINY_SCALE, sides_of(_asked(), case, TINY_SCALE), _asked(), deadline=LATER)
    assert list(found) == list(SIDES)
    for side in found.values():
        assert side["loss_difference"] < 1e-6
        assert side["gradient_difference"] < 1e-5
        assert len(side["seconds"]) == 1
        assert side["completion_tokens_per_second"] > 0
    assert min(found[side]["median_cpu_seconds_ratio"] for side in (TRL, TRL_TILES)) == 1.0


@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_a_gpu_runs_but_for_the_gpu(method, monkeypatch):
    """Its model's dtypes and its savings, on a CPU: bf16 rounds otherwise in packs and tiles than in padded rows."""
    case = Case(method, 0.04, "mix")
    asked = _asked(device="cuda")
    values = train_step_sides.run_values
    on_cpu = {"hardware": {"num_gpus": 0, "device": "cpu"}}
    monkeypatch.setattr(train_step_sides, "run_values", lambda *args, **kwargs: values(*args, **kwargs) | on_cpu)
    monkeypatch.setattr(
        train_step,
        "locate",
        lambda device, *, tiny, folder: write_random_model(folder, device="cpu", dtype="bfloat16", tiny=tiny),
    )
    keys = sides_of(asked, case, TINY_SCALE)
    assert keys[LEANRL]["offload_activations"]
    assert (keys[LEANRL]["reference_device"] == "host") == (method == "full")
    found = measure_times(case, TINY_SCALE, keys, asked, deadline=LATER)
    assert list(found) == list(SIDES)
    assert found[TRL]["loss"] != 0.0
    for side in found.values():
        assert side["loss_difference"] < 1e-5
        assert side["gradient_difference"] < 1e-2


def test_other_gradients_would_be_seen(monkeypatch):
    """Without its noise leanrl's adapter stands elsewhere than TRL's."""
    made = train_step_sides._lean_trainer

    def elsewhere(*arguments):
        trainer = made(*arguments)
        with torch.no_grad():
            next(weight for weight in trainer.model.parameters() if weight.requires_grad).add_(0.1)
        return trainer

    monkeypatch.setattr(train_step_sides, "_lean_trainer", elsewhere)
    found = measure_times(MIX, TINY_SCALE, sides_of(_asked(), MIX, TINY_SCALE), _asked(), deadline=LATER)
    assert found[LEANRL]["gradient_difference"] > 0.01


@pytest.mark.parametrize(
    ("case", "does_nothing"),
    [(MIX, {"offload_activations", "reference_device"}), (Case("full", 0.04, "mix"), {"offload_activations"})],
)
def test_a_breakdown_takes_away_one_saving_at_a_time(case, does_nothing):
    """But those that would change nothing: on a CPU, and without a copy of the reference policy."""
    sides = sides_of(_asked(what="breakdown"), case, TINY_SCALE)
    lean = sides.pop(LEANRL)
    for name, keys in sides.items():
        (changed,) = [key for key in lean if keys[key] != lean[key]]
        assert name == f"leanrl without {changed}"
    known = {saving.key for saving in savings(case, TINY_SCALE, device="cuda")}
    assert {name.split()[-1] for name in sides} == known - does_nothing


def test_a_peak_is_that_of_a_second_step():
    keys = sides_of(_asked(), MIX, TINY_SCALE)[LEANRL]
    found = train_step_peak.measure(LEANRL, MIX, TINY_SCALE, device="cpu", tiny=True, vram_gib=None, train=keys)
    assert found["peak_bytes"] > 100 * 2**20
    assert "resident" in found["source"]


@pytest.mark.parametrize("side", SIDES)
def test_a_peak_within_a_forward_pass_counts(side, monkeypatch):
    """leanrl meters its own phases, and each reading of its meter starts the peak that Linux keeps anew."""
    keys = sides_of(_asked(), MIX, TINY_SCALE)[side]
    order = {"device": "cpu", "tiny": True, "vram_gib": None, "train": keys}
    before = train_step_peak.measure(side, MIX, TINY_SCALE, **order)["peak_bytes"]
    brief = train_step_sides.Side.take_briefly

    def then_with_half_a_gibibyte(self):
        brief(self)
        self.trainer.model.register_forward_pre_hook(lambda *_: print(torch.ones(2**29, dtype=torch.uint8).numel()))

    monkeypatch.setattr(train_step_sides.Side, "take_briefly", then_with_half_a_gibibyte)
    assert train_step_peak.measure(side, MIX, TINY_SCALE, **order)["peak_bytes"] > before + 2**28


def test_small_tiles_are_trls_only_while_they_are_asked_for():
    tiles = train_step_sides.chunked_logprob
    with train_step_sides.reduced_tiles():
        assert tiles.TOKEN_CHUNK_SIZE == 256
    assert tiles.TOKEN_CHUNK_SIZE == 4096


def test_sides_share_a_cpu_and_have_a_gpu_alone():
    sides = {"a": {}, "b": {}}
    assert turns(sides, "cpu") == [["a", "b"]]
    assert turns(sides, "cuda") == [["a"], ["b"]]


def test_memory_that_runs_out_is_told_of_and_the_other_sides_go_on(monkeypatch):
    taken = train_step_sides.Side.take

    def short(side):
        if side.name == TRL:
            raise torch.OutOfMemoryError("tried to allocate")
        return taken(side)

    monkeypatch.setattr(train_step_sides.Side, "take", short)
    monkeypatch.setattr(train_step, "turns", lambda sides, _: turns(sides, "cuda"))
    found = measure_times(MIX, TINY_SCALE, sides_of(_asked(), MIX, TINY_SCALE), _asked(), deadline=LATER)
    assert found[TRL] == {"failed": "out of memory: tried to allocate"}
    assert found[TRL_TILES]["median_seconds_ratio"] == 1.0


def test_the_phase_is_counted_without_what_is_left_out(monkeypatch):
    """Counted from 0 to 10, of which 2 to 5 is left out: 7 seconds, and twice as many on the CPU's clock."""
    moments = iter([0.0, 2.0, 5.0, 10.0])
    monkeypatch.setattr(Clock, "_now", lambda _: ((now := next(moments)), 2 * now))
    clock = Clock(torch.device("cpu"))
    clock.counting(clock.leaving_out(lambda: None))()
    assert (clock.wall_seconds, clock.cpu_seconds) == (7.0, 14.0)


def test_ratios_refer_to_the_better_trl():
    found = with_ratios({TRL: {"peak_bytes": 8}, TRL_TILES: {"peak_bytes": 4}, LEANRL: {"peak_bytes": 3}}, "peak_bytes")
    assert [side["peak_bytes_ratio"] for side in found.values()] == [2.0, 1.0, 0.75]
    found = with_ratios({TRL_TILES: {"peak_bytes": 4}, LEANRL: {"peak_bytes": 3}}, "peak_bytes")
    assert [side["peak_bytes_ratio"] for side in found.values()] == [1.0, 0.75]


def test_a_row_takes_the_place_of_the_one_it_repeats(tmp_path, monkeypatch):
    monkeypatch.setattr(train_step, "measure_times", lambda *_, **__: {TRL: {"failed": "this time"}})
    common = ["train_step.py", "--tiny", "--out", str(tmp_path)]
    for cases in ("mix$", "^lora, beta 0, mix"):
        monkeypatch.setattr(sys, "argv", [*common, "--cases", cases])
        train_step.main()
    (path,) = tmp_path.iterdir()
    written = json.loads(path.read_text())
    assert sorted(row["case"] for row in written["rows"]) == sorted(c.name for c in CASES if c.rows == "mix")
    again = written["rows"][-1]
    assert again["command"].endswith("--cases ^lora, beta 0, mix")
    assert {"commit", "scale", "num_threads"} <= again.keys()
    assert written["machine"]["versions"].keys() >= {"torch", "trl"}


def test_other_lengths_have_a_row_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(
        train_step, "measure_times", lambda case, scale, sides, *_, **__: {name: {"failed": ""} for name in sides}
    )
    common = [
        "train_step.py",
        "--tiny",
        "--out",
        str(tmp_path),
        "--cases",
        "^lora, beta 0, mix",
        "--sides",
        "tiles|lean",
    ]
    for lengths in ([], ["--divisor", "7"]):
        monkeypatch.setattr(sys, "argv", [*common, *lengths])
        train_step.main()
    (path,) = tmp_path.iterdir()
    rows = json.loads(path.read_text())["rows"]
    assert [row["scale"]["divisor"] for row in rows] == [TINY_SCALE.divisor, 7]
    assert all(list(row["sides"]) == [TRL_TILES, LEANRL] for row in rows)


def test_each_share_of_groups_without_variance_has_a_row_and_its_ratio(tmp_path, monkeypatch, capsys):
    operations = iter([{TRL: {"operations": 4e9}, LEANRL: {"operations": n * 1e9}} for n in (3, 1)])
    monkeypatch.setattr(train_step, "measure_operations", lambda *_, **__: with_ratios(next(operations), "operations"))
    command = ["train_step.py", "--tiny", "--measure", "operations", "--cases", "^lora, beta 0, mix"]
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(tmp_path), "--without-variance", "0", "0.67"])
    train_step.main()
    (path,) = tmp_path.iterdir()
    rows = json.loads(path.read_text())["rows"]
    assert [row["scale"]["share_without_variance"] for row in rows] == [0.0, 0.67]
    assert "| leanrl | 3 GFLOP | 0.75 |" in capsys.readouterr().out


def test_a_peak_that_is_measured_again_stands_beside_those_that_are_not(tmp_path, monkeypatch):
    """And its ratio is to them; who measured them when is kept."""
    peaks = iter([{TRL_TILES: {"peak_bytes": 4}, LEANRL: {"peak_bytes": 1}}, {LEANRL: {"peak_bytes": 3}}])
    monkeypatch.setattr(train_step, "measure_peaks", lambda *_, **__: with_ratios(next(peaks), "peak_bytes"))
    common = ["train_step.py", "--tiny", "--out", str(tmp_path), "--measure", "peak", "--cases", "^lora, beta 0, mix"]
    for sides in ("tiles|lean", "lean"):
        monkeypatch.setattr(sys, "argv", [*common, "--sides", sides])
        train_step.main()
    (path,) = tmp_path.iterdir()
    (row,) = json.loads(path.read_text())["rows"]
    assert {name: side["peak_bytes_ratio"] for name, side in row["sides"].items()} == {TRL_TILES: 1.0, LEANRL: 0.75}
    assert row["sides"][TRL_TILES]["command"].endswith("--sides tiles|lean")
    assert row["command"].endswith("--sides lean")


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_step.py", "--device", "cuda"])
    monkeypatch.setattr(train_step, "about_gpu", dict)
    with pytest.raises(SystemExit, match="torch sees no GPU"):
        train_step.main()
