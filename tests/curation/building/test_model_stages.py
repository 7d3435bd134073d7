"""Stages that ask a model: replies kept one by one, asked for once, and drawn again where a kill has lost them."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.curation.building.ledger import read_ledger
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, StoppedError
from leanrl.rollout.streams import endpoint
from tests.curation.building.recipes import Quiet, built, files_of, sums, write_recipe
from tests.evaluation.test_endpoint import Reply, completion, server
from tests.grading.processes import wait_until

NUM_ROWS = 8
SOLVER = {"not_solved": {"kind": "pass_rate", "model": "solver", "num_samples": 2, "max_rate": 0.5}}
JUDGE = {"clean": {"kind": "judge", "model": "judge"}}


def right_for_even_ones(_: int, body: dict) -> Reply:
    """Solve rows of an even number; call every fourth one noisy."""
    text = body["messages"][-1]["content"]
    number = int(re.search(r"What is (\d+)", text)[1])
    if "verdict" in text:
        return completion(json.dumps({"verdict": "noisy" if number % 4 == 1 else "clean"}))
    return completion(rf"\boxed{{{3 * number if number % 2 == 0 else -1}}}")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = endpoint.EndpointStream.__init__

    async def go_on(_: float) -> None:
        pass

    monkeypatch.setattr(endpoint.EndpointStream, "__init__", lambda *args, **more: plain(*args, **more, sleep=go_on))


def recipe_on(address: str, folder: Path, stages: dict) -> Path:
    models = {name: {"id": "tiny", "endpoint": address} for name in ("solver", "judge")}
    return write_recipe(folder, sums(NUM_ROWS), stages, models=models)


def test_a_solver_and_a_judge_decide(tmp_path: Path):
    """Odd rows are not solved; of 1, 3, 5, 7 the judge calls 1 and 5 noisy."""
    listener = Quiet()
    with server(right_for_even_ones) as (address, bodies):
        recipe = recipe_on(address, tmp_path, SOLVER | JUDGE)
        made = built(recipe, tmp_path / "out", listener=listener)
        assert len(bodies) == 2 * NUM_ROWS + 4
        assert len({body["seed"] for body in bodies[: 2 * NUM_ROWS]}) == 2 * NUM_ROWS
    assert [(step["stage"], step["num_after"]) for step in made.manifest["funnel"]][1:3] == [
        ("not_solved", 4),
        ("clean", 2),
    ]
    records = {(record.stage, record.row_id): record for record in read_ledger(made.path / "_curation/ledger.parquet")}
    solved = records["not_solved", "s2"]
    assert (solved.kept, solved.reason) == (False, "2 of 2 completions are right")
    assert (solved.model, solved.texts, solved.verdicts) == ("tiny", [r"\boxed{6}"] * 2, ["correct"] * 2)
    assert json.loads(solved.sampling)["temperature"] == 0.0
    assert len(set(solved.seeds)) == 2
    assert records["clean", "s1"].reason == "the judge says noisy"
    assert records["clean", "s1"].texts == ['{"verdict": "noisy"}']
    assert "tiny: 16 completions to draw" in listener.lines


def test_replies_are_asked_for_once_after_a_stop(tmp_path: Path):
    """The server tires after five replies: the second start asks for the eleven others and the judge's four."""
    answered = []
    is_tired = False

    def tires(number: int, body: dict) -> Reply:
        if is_tired and len(answered) >= 5:
            return 500, {}, b"tired"
        answered.append(number)
        return right_for_even_ones(number, body)

    with server(tires) as (address, _):
        recipe = recipe_on(address, tmp_path, SOLVER | JUDGE)
        whole = built(recipe, tmp_path / "whole")
        answered.clear()
        is_tired = True
        with pytest.raises(StoppedError, match="tired"):
            built(recipe, tmp_path / "out")
        is_tired = False
        assert len(answered) == 5
        again = built(recipe, tmp_path / "out")
    assert len(answered) == 2 * NUM_ROWS + 4
    assert again.manifest == whole.manifest


def test_another_band_takes_replies_over_and_asks_changed_rows_alone(tmp_path: Path):
    """Of 8 rows one has another text: its 2 replies are drawn, the other 14 are those of the first build."""
    with server(right_for_even_ones) as (address, bodies):
        recipe = recipe_on(address, tmp_path, SOLVER)
        first = built(recipe, tmp_path / "first")
        rows = sums(NUM_ROWS)
        rows[3] |= {"problem": "What is 3 + 6 pears?"}
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        band = "parts.sums.stages.not_solved.min_rate=0.5", "parts.sums.stages.not_solved.max_rate=1.0"
        second = built(recipe, tmp_path / "second", *band, replies_of=first.path)
        assert len(bodies) == 2 * NUM_ROWS + 2
        with pytest.raises(ConfigError, match=r"temperature is 1\.0, and was 0\.0"):
            built(recipe, tmp_path / "third", "models.solver.temperature=1.0", replies_of=first.path)
        assert built(recipe, tmp_path / "third", "models.solver.temperature=1.0").is_new
    assert [step["num_after"] for step in first.manifest["funnel"]][1] == 4
    assert [step["num_after"] for step in second.manifest["funnel"]][1] == 4
    records = list(read_ledger(second.path / "_curation/ledger.parquet"))
    assert {each.row_id for each in records if each.stage == "mix"} == {"s0", "s2", "s4", "s6"}


def test_open_rs_builds_from_its_three_parts(tmp_path: Path):
    """Of 8 rows of s1's pool one has no box, the even ones are solved and 1 and 5 are noisy; of DeepScaleR's 8 the even
    ones are solved, and those are the easy ones. The published counts stand beside ours."""
    pool = [{"question": row["problem"], "solution": rf"It is $\boxed{{{row['answer']}}}$."} for row in sums(NUM_ROWS)]
    pool[7]["solution"] = "It is 21."
    for name, rows in (("pool", pool), ("deepscaler", [{**row, "solution": ""} for row in sums(NUM_ROWS)])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    listener = Quiet()
    with server(right_for_even_ones) as (address, bodies):
        overrides = [f"models.{model}.endpoint={address}" for model in ("s1_solver", "judge", "deepscaler_solver")]
        for part, source, name in (("open_s1", "s1_pool", "pool"), ("open_deepscaler", "deepscaler", "deepscaler")):
            where = f"parts.{part}.sources.{source}"
            overrides += [f"{where}.hub_id=null", f"{where}.path={tmp_path / name}.jsonl"]
        made = built("open-rs", tmp_path / "out", *overrides, listener=listener)
    assert {body["temperature"] for body in bodies} == {0.6, 0.0, 0.7}
    steps = {(step["part"], step["stage"]): step["num_after"] for step in made.manifest["funnel"]}
    assert [steps["open_s1", name] for name in ("boxed_answer", "not_solved", "not_noisy")] == [7, 3, 1]
    assert [steps[part, "mix"] for part in ("open_s1", "open_deepscaler", "easy")] == [1, 4, 4]
    assert "open_s1: boxed_answer: 8 -> 7 (published: 31,323)" in listener.lines
    assert "open_deepscaler: not_solved: 8 -> 4 (published: 21,044)" in listener.lines
    rows = load_problems(DataConfig(path=str(made.path)), seed=0, kept_columns=["level", "part"]).train
    assert {(row.columns["part"], row.columns["level"]) for row in rows} == {
        ("open_s1", "Hard"), ("open_deepscaler", "Hard"), ("easy", "Easy"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((429, {"retry-after": "1"}, b"slow down"), "status 429"),
        ((200, {}, b"<html>"), "no chat completion"),
    ],
)
def test_garbage_and_429_are_asked_again_and_then_named(tmp_path: Path, reply: Reply, said: str):
    listener = Quiet()
    with server(lambda number, body: reply if number < 3 else right_for_even_ones(number, body)) as (address, _):
        built(recipe_on(address, tmp_path / "a", SOLVER), tmp_path / "a/out", listener=listener)
    # Three requests wait for their second try; those that wait together are said in one line.
    assert 1 <= sum(said in line and "asked again in 1 s" in line for line in listener.lines) <= 3
    with server(lambda *_: reply) as (address, _), pytest.raises(StoppedError, match=said):
        built(recipe_on(address, tmp_path / "b", SOLVER), tmp_path / "b/out")


def test_an_endpoint_that_refuses_the_model(tmp_path: Path):
    with server(lambda *_: (404, {}, b"no such model")) as (address, _), pytest.raises(ConfigError, match="404"):
        built(recipe_on(address, tmp_path, SOLVER), tmp_path / "out")


def test_a_model_of_this_machine_answers(tiny_model: Path, tmp_path: Path):
    """A random model solves nothing: every row stays, with the replies in the ledger; a second build gives the same."""
    models = {"solver": {"id": str(tiny_model), "engine": "hf", "max_completion_tokens": 4, "temperature": 1.0}}
    recipe = write_recipe(tmp_path, sums(3), SOLVER, models=models)
    first, second = (built(recipe, tmp_path / name) for name in ("one", "two"))
    records = [each for each in read_ledger(first.path / "_curation/ledger.parquet") if each.stage == "not_solved"]
    assert [(each.kept, len(each.texts), each.model) for each in records] == [(True, 2, str(tiny_model))] * 3
    names = ("data/train-00000-of-00001.parquet", "_curation/ledger.parquet", "README.md", "manifest.json")
    one, two = files_of(first.path), files_of(second.path)
    assert {name: one[name] for name in names} == {name: two[name] for name in names}


STAGES_OF_A_KILL = {
    "problem_kinds": {}, "exact_duplicates": {}, **SOLVER, **JUDGE, "language": {}, "gold_verifies": {},
}  # fmt: skip


def start(recipe: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "leanrl", "data", "build", str(recipe), "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)


LONG = pytest.mark.long


@pytest.mark.parametrize(
    "moment",
    [
        "solver",
        pytest.param("sums: read:", marks=LONG),
        pytest.param("sums: exact_duplicates:", marks=LONG),
        pytest.param("judge", marks=LONG),
        pytest.param("sums: gold_verifies:", marks=LONG),
    ],
)
def test_kill_minus_nine_in_each_stage_loses_no_reply(tmp_path: Path, moment: str):
    """Killed when a stage is done, or within a model's replies, the same command ends with the same bytes."""

    def slowly(_: int, body: dict) -> Reply:
        time.sleep(0.05)
        return right_for_even_ones(0, body)

    with server(slowly) as (address, bodies):
        recipe = recipe_on(address, tmp_path, STAGES_OF_A_KILL)
        whole = files_of(built(recipe, tmp_path / "whole").path)
        num_asked = len(bodies)
        process = start(recipe, tmp_path / "out")
        wait_for(process, moment, tmp_path / "out", bodies, num_asked)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        wait_for_what_was_sent(address)
        saved = sum(len(file.read_bytes().splitlines()) for file in (tmp_path / "out").rglob("completions.jsonl"))
        before = len(bodies)
        again = built(recipe, tmp_path / "out")
        assert len(bodies) - before == num_asked - saved
    names = ("data/train-00000-of-00001.parquet", "_curation/ledger.parquet", "README.md", "manifest.json")
    found = files_of(again.path)
    assert {name: found[name] for name in names} == {name: whole[name] for name in names}


def wait_for_what_was_sent(address: str) -> None:
    """Wait until the server has taken all that a killed client has sent: it takes connections in their order."""
    assert httpx.get(address).status_code == 501
    wait_until(lambda: not any("process_request_thread" in thread.name for thread in threading.enumerate()))


def wait_for(process: subprocess.Popen, moment: str, out: Path, bodies: list, num_before: int) -> None:
    """Wait until a line is said, or a model has given its first reply."""
    if moment.startswith("sums"):
        while moment not in (line := process.stderr.readline()):
            assert line, f"the build ended before {moment!r}"
        return
    answers = (
        out
        / "_curation"
        / "answers"
        / ("sums.not_solved" if moment == "solver" else "sums.clean")
        / "completions.jsonl"
    )
    while not (answers.is_file() and answers.read_bytes()):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)
