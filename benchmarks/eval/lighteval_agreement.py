"""Verdicts of `leanrl eval --grader math-verify` beside those of lighteval's own code, on saved completions.

    python benchmarks/eval/lighteval_agreement.py ours VERDICTS.jsonl       # where leanrl is installed
    python benchmarks/eval/lighteval_agreement.py compare VERDICTS.jsonl    # where lighteval is installed

lighteval pins another latex2sympy2_extended than leanrl, so the two have an environment each. The second is made by
`pip install torch==2.13.0 lighteval==0.13.0 latex2sympy2_extended==1.0.6 antlr4-python3-runtime==4.13.2`.
The completions are benchmarks/data/graded_completions.jsonl. `compare` prints every difference and writes
benchmarks/results/lighteval-agreement-<date>.json.
"""

import argparse
import json
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
COMPLETIONS = HERE / "data" / "graded_completions.jsonl"
# 300 completions of SmolLM2-135M-Instruct on these; the others were written for the grader.
OF_A_MODEL = ("gsm8k", "svamp")
_SHOWN_CHARACTERS = 300
_LIBRARIES = ("lighteval", "latex2sympy2_extended", "sympy", "antlr4-python3-runtime")


def judge_ours(out: Path) -> None:
    """Write every completion with leanrl's verdict by the rules of published numbers."""
    from leanrl.grading.pool import GraderPool
    from leanrl.machine.environment import describe_machine
    from leanrl.types import GoldList, GradeRequest

    rows = [json.loads(line) for line in COMPLETIONS.read_text(encoding="utf-8").splitlines()]
    golds = [GoldList(tuple(row["gold"])) if isinstance(row["gold"], list) else row["gold"] for row in rows]
    with GraderPool() as pool:
        verdicts = pool.grade(
            [GradeRequest(row["completion"], gold, mode="published") for row, gold in zip(rows, golds, strict=True)]
        )
    machine = describe_machine()
    about = {"leanrl": {key: machine[key] for key in ("versions", "commit")}}
    lines = [about, *({**row, "ours": verdict.reason} for row, verdict in zip(rows, verdicts, strict=True))]
    out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    print(f"{len(rows)} verdicts: {out}")


def compare(verdicts: Path, out: Path | None) -> None:
    """Judge the same completions by lighteval, and write where the two differ."""
    about, *rows = [json.loads(line) for line in verdicts.read_text(encoding="utf-8").splitlines()]
    judge = _lighteval_judge()
    for row in rows:
        row["lighteval"], row["read_by_lighteval"] = judge(row["gold"], row["completion"])
    groups = {"of_a_model": [], "written": []}
    for row in rows:
        groups["of_a_model" if row["id"].split("/")[0] in OF_A_MODEL else "written"].append(row)
    found = {
        "command": "python benchmarks/eval/lighteval_agreement.py compare VERDICTS.jsonl",
        "completions": str(COMPLETIONS.relative_to(HERE.parent)),
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "num_cpus": os.cpu_count()},
        **about,
        "lighteval": {name: version(name) for name in _LIBRARIES},
        **{name: _agreement(group) for name, group in groups.items()},
    }
    path = out or HERE / "results" / f"lighteval-agreement-{date.today().isoformat()}.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in groups:
        one = found[name]
        print(f"{name}: {one['num_agreeing']} of {one['num_completions']} alike, {len(one['differences'])} differ")
        for each in one["differences"]:
            verdicts = f"ours {each['ours']}, lighteval {each['lighteval']}"
            print(f"  {each['id']}: gold {each['gold']!r}, {verdicts}: {each['cause']}")
    print(path)


def _lighteval_judge() -> Any:
    """Return lighteval's metric with the values of the paper's task file, gold answers read as formula or number."""
    from lighteval.metrics.dynamic_metrics import (
        ExprExtractionConfig,
        LatexExtractionConfig,
        MultilingualExtractiveMatchMetric,
    )
    from lighteval.models.model_output import ModelResponse
    from lighteval.tasks.requests import Doc
    from lighteval.utils.language import Language

    metric = MultilingualExtractiveMatchMetric(
        language=Language.ENGLISH,
        fallback_mode="first_match",
        precision=5,
        gold_extraction_target=(LatexExtractionConfig(), ExprExtractionConfig()),
        pred_extraction_target=(ExprExtractionConfig(), LatexExtractionConfig(boxed_match_priority=0)),
        aggregation_function=max,
    )

    def judge(gold: Any, completion: str) -> tuple[bool, dict[str, Any]]:
        golds = [_as_formula(each) for each in (gold if isinstance(gold, list) else [gold])]
        doc = Doc(query="", choices=golds, gold_index=list(range(len(golds))))
        is_right = bool(metric.compute(doc, ModelResponse(text=[completion])))
        return is_right, dict(doc.specific or {})

    return judge


def _as_formula(gold: str) -> str:
    return gold if "$" in gold or "boxed" in gold else f"${gold}$"


def _agreement(rows: list[dict[str, Any]]) -> dict[str, Any]:
    differing = [row for row in rows if (row["ours"] == "correct") != row["lighteval"]]
    return {
        "num_completions": len(rows),
        "num_right_by_ours": sum(row["ours"] == "correct" for row in rows),
        "num_right_by_lighteval": sum(row["lighteval"] for row in rows),
        "num_agreeing": len(rows) - len(differing),
        "differences": [
            {
                **{key: row[key] for key in ("id", "gold", "ours", "lighteval", "read_by_lighteval")},
                "end_of_completion": row["completion"][-_SHOWN_CHARACTERS:],
                "cause": CAUSES.get(row["id"], "not looked at"),
            }
            for row in differing
        ],
    }


# Found by hand, each by the parsed values of both.
CAUSES = {
    "written/17": "25 % beside a gold of 25: math-verify 0.9 compares a whole percentage by its number, lighteval "
    "takes 25 % for a quarter",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("ours", "compare"))
    parser.add_argument("verdicts", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.part == "ours":
        judge_ours(asked.verdicts)
    else:
        compare(asked.verdicts, asked.out)


if __name__ == "__main__":
    main()
