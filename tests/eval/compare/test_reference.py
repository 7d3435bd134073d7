"""Published rows: what they say, how they are named, and the z test of two of them."""

import pytest

from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.named import benchmark_names
from leanrl.eval.compare.published import summary_of_counts, summary_of_published, z_difference
from leanrl.eval.compare.reference import Published, find_row, reference_rows

# The averages over five benchmarks that Table 1 of arXiv 2503.16219 prints.
AVERAGES = {
    "r1-distill-1.5b": 48.9, "still-3-1.5b": 51.6, "deepscaler-1.5b": 57.0, "open-rs1": 53.0, "open-rs2": 55.7,
    "open-rs3": 56.3, "llama-3.1-70b-instruct": 35.7, "qwen2.5-math-7b-instruct": 43.8, "eurus-2-7b-prime": 48.9,
    "qwen2.5-7b-simplerl": 50.9,
}  # fmt: skip


@pytest.mark.parametrize("name", AVERAGES)
def test_scores_of_table_1_have_the_averages_that_it_prints(name):
    """Its averages are of unrounded scores, and the one of DeepScaleR is 0.06 off: they may be 0.07 off."""
    scores = find_row(f"paper:{name}").scores
    assert len(scores) == 5
    assert 100 * sum(one.mean for one in scores.values()) / 5 == pytest.approx(AVERAGES[name], abs=0.07)


def test_every_row_is_named_once_and_speaks_of_benchmarks_that_leanrl_has():
    rows = reference_rows()
    assert len({row.label for row in rows}) == len(rows)
    known = set(benchmark_names())
    for row in rows:
        assert row.scores
        assert row.scores.keys() <= known, row.label
        assert all(0 < one.mean < 1 for one in row.scores.values()), row.label
        assert row.title
        assert row.sampling.keys() == {"temperature", "top_p", "max_completion_tokens"}


def test_the_curve_has_all_21_checkpoints_and_its_summary():
    """Mean 30.0 and deviation 6.75 on AIME24, 68.1 and 6.4 on AMC23, over 21 checkpoints."""
    curve = [row for row in reference_rows() if row.source == "curve"]
    aime24 = [100 * row.scores["aime24"].mean for row in curve]
    amc23 = [100 * row.scores["amc23"].mean for row in curve]
    assert len(curve) == 21
    assert (sum(aime24) / 21, max(aime24)) == pytest.approx((30.0, 46.7), abs=0.1)
    assert (sum(amc23) / 21, max(amc23)) == pytest.approx((68.1, 80.0), abs=0.1)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("open-rs1", "sober:open-rs1"),  # the independent re-evaluation comes first
        ("paper:open-rs1", "paper:open-rs1"),
        ("o1-preview", "paper:o1-preview"),
        ("exp3@50", "curve:exp3@50"),
    ],
)
def test_a_row_is_found_with_and_without_its_source(name, label):
    assert find_row(name).label == label


def test_an_unknown_row_leads_to_the_nearest():
    with pytest.raises(ConfigError) as refusal:
        find_row("paper:openrs3")
    assert refusal.value.hint == "Did you mean `paper:open-rs3`?"


def test_the_z_test_by_hand():
    """AIME24 of the re-evaluation: 28.7 with 4.8 and 37.0 with 6.6 of ten draws each.

    Error sqrt(4.8^2 + 6.6^2) / sqrt(10) = 2.5807, z = 3.216, p = 0.0013.
    """
    base = summary_of_published(Published(0.287, 0.048, 10), num_problems=30)
    other = summary_of_published(Published(0.370, 0.066, 10), num_problems=30)
    found = z_difference("aime24", base, other, num_problems=30)
    assert found.error == pytest.approx(0.025807, rel=1e-4)
    assert found.p_value == pytest.approx(0.0013, abs=5e-5)
    assert found.test == "z"
    assert found.problem_se is None
    assert found.interval.high - found.value == pytest.approx(1.959964 * 0.025807, rel=1e-4)


@pytest.mark.parametrize(("name", "p_value"), [("open-rs1", 0.93), ("open-rs2", 0.37), ("open-rs3", 0.63)])
def test_the_papers_models_show_no_gain_on_aime24(name, p_value):
    base, other = (
        summary_of_published(find_row(f"sober:{row}").scores["aime24"], num_problems=30)
        for row in ("r1-distill-1.5b", name)
    )
    assert z_difference("aime24", base, other, num_problems=30).p_value == pytest.approx(p_value, abs=0.006)


@pytest.mark.parametrize(("num_draws", "is_told"), [(3, True), (10, False)])
def test_a_deviation_of_few_draws_is_told(num_draws, is_told):
    one = summary_of_published(Published(0.5, 0.01, num_draws), num_problems=500)
    assert ("p is too small" in z_difference("math500", one, one, num_problems=500).note) is is_told


def test_a_single_draw_has_a_binomial_error():
    """46.7 % of 30 problems: sqrt(0.467 * 0.533 / 30) = 9.1 points."""
    found = summary_of_published(Published(0.467, None, 1), num_problems=30)
    assert found.is_binomial
    assert found.error == pytest.approx(0.0911, abs=5e-5)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_no_published_score_is_certain(mean):
    """0 of 30: (0 + 2) / 34 in place of 0."""
    found = summary_of_published(Published(mean, None, 1), num_problems=30)
    assert found.error == pytest.approx((2 / 34 * 32 / 34 / 30) ** 0.5)


def test_an_own_evaluation_brings_its_error_of_sampling():
    assert summary_of_counts({"a": (1, 2), "b": (2, 2)}).error == pytest.approx(0.25)
    single = summary_of_counts({"a": (1, 1), "b": (0, 1)})
    assert single.is_binomial
    assert single.error == pytest.approx((0.25 / 2) ** 0.5)
