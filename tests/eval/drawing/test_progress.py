"""How far an evaluation is, by a clock of the test's own."""

from leanrl.eval.drawing.progress import Progress
from leanrl.evaluation.standing import standing_line
from tests.eval.scores.records import answer

SHORT, LONG = ("sums", "short"), ("sums", "long")


def ended(problem: str, sample: int, num_tokens: int, *, verdict: str = "correct"):
    return answer(name=problem, sample=sample, verdict=verdict, benchmark="sums", num_tokens=num_tokens)


def test_the_time_left_counts_each_problem_by_its_own_length():
    """Of 3 samples each, one of 10 tokens and one of 100 came in 11 s: 2 x 10 and 2 x 100 are left at 10 a second."""
    now = [0.0]
    progress = Progress([SHORT, LONG] * 3, [], clock=lambda: now[0])
    assert progress.standing().seconds_left is None
    now[0] = 11.0
    progress.add(ended("short", 0, 10))
    progress.add(ended("long", 0, 100, verdict="wrong"))
    standing = progress.standing()
    assert (standing.tokens_per_second, standing.seconds_left) == (10.0, 22.0)
    assert standing_line(standing, busy_share=0.75) == (
        "2/6 completions, 50.0% correct, 10 tokens/s, 75% of slots busy, left 22s"
    )


def test_a_problem_that_nothing_is_known_of_counts_as_the_mean():
    now = [0.0]
    progress = Progress([SHORT, LONG], [], clock=lambda: now[0])
    now[0] = 2.0
    progress.add(ended("short", 0, 10))
    assert progress.standing().seconds_left == 2.0


def test_completions_of_an_earlier_start_count_for_the_score_and_not_for_the_speed():
    now = [0.0]
    progress = Progress([SHORT, LONG] * 2, [ended("long", 0, 1000)], clock=lambda: now[0])
    assert progress.standing().seconds_left is None
    now[0] = 1.0
    progress.add(ended("short", 0, 100, verdict="wrong"))
    standing = progress.standing()
    assert (standing.num_drawn, standing.accuracy, standing.tokens_per_second) == (2, 0.5, 100.0)
    assert standing.seconds_left == (1000 + 100) / 100
