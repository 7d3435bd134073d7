"""The kinds of stages, by the name that a recipe gives."""

from collections.abc import Mapping

from leanrl.curation.stages import decontaminated, judges, lengths, near_duplicates, pass_rates, values
from leanrl.curation.stages.boxed import BoxedAnswer, judge_boxed_answer
from leanrl.curation.stages.duplicates import ExactDuplicates, judge_exact_duplicates
from leanrl.curation.stages.golds import GoldVerifies, judge_golds
from leanrl.curation.stages.stage import StageKind, row_by_row
from leanrl.curation.stages.texts import InLanguage, ProblemKinds, judge_kind, judge_language

GOLD_VERIFIES = "gold_verifies"
KINDS: Mapping[str, StageKind] = {
    "boxed_answer": StageKind(BoxedAnswer, row_by_row(judge_boxed_answer), "without a boxed answer"),
    GOLD_VERIFIES: StageKind(GoldVerifies, judge_golds, "whose gold answer no completion could match"),
    "exact_duplicates": StageKind(ExactDuplicates, judge_exact_duplicates, "that repeat a problem"),
    "near_duplicates": StageKind(
        near_duplicates.NearDuplicates,
        near_duplicates.judge_near_duplicates,
        "that nearly repeat a problem",
        near_duplicates.contradictions,
    ),
    "prompt_tokens": StageKind(
        lengths.PromptTokens, lengths.judge_lengths, "that are too short or too long", lengths.contradictions
    ),
    "language": StageKind(InLanguage, row_by_row(judge_language), "in another language"),
    "problem_kinds": StageKind(ProblemKinds, row_by_row(judge_kind), "that no single exact answer settles"),
    "column_values": StageKind(
        values.ColumnValues, row_by_row(values.judge_values), "by the value of a column", values.contradictions
    ),
    "pass_rate": StageKind(
        pass_rates.PassRate, pass_rates.judge_pass_rates, "by a solver's pass rate", pass_rates.contradictions
    ),
    "judge": StageKind(judges.JudgedClean, judges.judge_by_model, "by a judge's verdict", judges.contradictions),
    "decontamination": StageKind(
        decontaminated.Decontaminated,
        decontaminated.judge_leaks,
        "that repeat an evaluation problem",
        decontaminated.contradictions,
    ),
}
