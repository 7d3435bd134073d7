"""`leanrl eval`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from leanrl.cli.terminal.idle_flags import refuse_idle_flags
from leanrl.cli.terminal.options import AsJson


def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A run, a checkpoint, a model: its folder, Hub id or name at an endpoint. With --grader math-verify "
            "also the folder of an evaluation.",
        ),
    ] = None,
    benchmarks: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Names, benchmark files, or files of problems [those of the paper]."),
    ] = None,
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="How problems are asked: robust, sober, open-rs or greedy.")
    ] = "robust",
    samples: Annotated[
        int | None, typer.Option(metavar="K", help="Completions of each problem [the protocol's].")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(metavar="N", help="Longest completion [the protocol's].")] = None,
    engine: Annotated[
        Literal["vllm", "hf"] | None, typer.Option(metavar="vllm|hf", help="What samples [vllm where it is installed].")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An OpenAI-compatible server, such as http://127.0.0.1:8000/v1; given up when it sends nothing for "
            "LEANRL_ENDPOINT_MINUTES [10].",
        ),
    ] = None,
    grader: Annotated[
        Literal["leanrl", "math-verify"],
        typer.Option(
            metavar="leanrl|math-verify",
            help="math-verify: store its verdicts beside leanrl's, also of an evaluation that is there.",
        ),
    ] = "leanrl",
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with benchmarks as files, in the place of the Hub.")
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Ask the first N problems of each benchmark.")] = None,
    checkpoints: Annotated[
        str | None, typer.Option(metavar="all|STEPS", help="Choose among checkpoints of a run; needs --select-on.")
    ] = None,
    select_on: Annotated[
        str | None,
        typer.Option(metavar="heldout|NAME", help="What to choose on: held-out problems, or a benchmark not reported."),
    ] = None,
    select_samples: Annotated[
        int | None, typer.Option(metavar="K", help="Completions of a problem in the first round of the choice [2].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the evaluation [in the run, or under evals/].")
    ] = None,
    pin: Annotated[
        bool, typer.Option("--pin", help="Write benchmark files with the revision and hash of the data into --out.")
    ] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List benchmarks and protocols.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a model on benchmarks, with intervals; the same command goes on where it was stopped."""
    choice = {"--checkpoints": checkpoints, "--select-on": select_on, "--select-samples": select_samples}
    sampling = {"--samples": samples, "--max-tokens": max_tokens, "--engine": engine, "--endpoint": endpoint}
    others = {"MODEL": model, **sampling, "--limit": limit, **choice}
    if list_all:
        files = {"--benchmarks": benchmarks, "--data-dir": data_dir, "--out": out, "--pin": pin}
        refuse_idle_flags("--list lists what comes with leanrl", {**others, **files}, hint="leanrl eval --list")
        _print_list(as_json=as_json)
        return
    from leanrl.evaluation.asked import PAPER_BENCHMARKS, Asked

    names = PAPER_BENCHMARKS if benchmarks is None else _names(benchmarks)
    if pin:
        refuse_idle_flags("--pin asks no model", others, hint="leave them out, or leave --pin out")
        _pin(names, data_dir, out)
        return
    from leanrl.errors import ConfigError

    if model is None:
        raise ConfigError("no model is named.", hint="leanrl eval MODEL, or `leanrl eval --list`")
    from leanrl.evaluation.regrading.regrade import is_evaluation

    if endpoint is None and is_evaluation(model):
        from leanrl.cli.evaluation.regrading import grade_again

        asking = {"--protocol": None if protocol == "robust" else protocol, **sampling, "--limit": limit, **choice}
        refuse_idle_flags(
            f"{model} is an evaluation, whose completions are graded", {**asking, "--out": out}, hint="leave them out"
        )
        grade_again(model, grader, () if benchmarks is None else names, data_dir, as_json=as_json)
        return
    from leanrl.evaluation.evaluate import evaluate as run
    from leanrl.evaluation.standing import listening
    from leanrl.machine.environment import quiet_libraries

    quiet_libraries()
    asked = Asked(
        model,
        benchmarks=names,
        protocol=protocol,
        samples=samples,
        max_tokens=max_tokens,
        engine=engine,
        endpoint=endpoint,
        with_math_verify=grader == "math-verify",
        data_dir=data_dir,
        limit=limit,
        out=out,
    )
    if endpoint is not None:
        refuse_idle_flags("the endpoint samples", {"--engine": engine}, hint="leave one of the two out")
    if checkpoints is None and select_on is None:
        hint = "--checkpoints all --select-on heldout"
        refuse_idle_flags("nothing is chosen", {"--select-samples": select_samples}, hint=hint)
    else:
        from leanrl.cli.evaluation.choosing import choose_checkpoint

        choose_checkpoint(asked, checkpoints, select_on, first_samples=select_samples, as_json=as_json)
        return
    with listening() as listener:
        done = run(asked, listener=listener)
    if as_json:
        print(json.dumps({"folder": str(done.folder), **done.scores}, indent=2))
    else:
        from leanrl.cli.evaluation.scores_table import print_scores

        print_scores(done)


def _names(text: str) -> tuple[str, ...]:
    from leanrl.errors import ConfigError

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ConfigError("--benchmarks names none.", hint="leanrl eval --list")
    return names


def _pin(names: tuple[str, ...], data_dir: Path | None, out: Path | None) -> None:
    from leanrl.errors import ConfigError
    from leanrl.eval.benchmarks.named import find_benchmark
    from leanrl.eval.benchmarks.protocols import find_protocol
    from leanrl.evaluation.benchmark_data import load_benchmark, pin

    if out is None:
        raise ConfigError("--pin writes benchmark files, and no folder is named for them.", hint="--out DIR")
    for named in map(find_benchmark, names):
        print(pin(load_benchmark(named, find_protocol("robust"), data_dir=data_dir), named, out=out))


def _print_list(*, as_json: bool) -> None:
    from leanrl.eval.benchmarks.named import benchmark_names, find_benchmark
    from leanrl.eval.benchmarks.protocols import PROTOCOLS

    found = {name: find_benchmark(name).benchmark for name in benchmark_names()}
    if as_json:
        protocols = {name: protocol.about for name, protocol in PROTOCOLS.items()}
        described = {name: benchmark.model_dump(mode="json") for name, benchmark in found.items()}
        print(json.dumps({"benchmarks": described, "protocols": protocols}, indent=2))
        return
    width = max(map(len, [*found, *PROTOCOLS]))
    print("benchmarks")
    for name, benchmark in found.items():
        state = "pinned" if benchmark.sha256 else "not pinned"
        print(f"  {name:{width}}  {benchmark.about} ({benchmark.licence}; {state})")
    print("protocols")
    for name, protocol in PROTOCOLS.items():
        print(f"  {name:{width}}  {protocol.about}")
