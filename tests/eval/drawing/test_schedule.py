"""The order in which an evaluation hands out its completions."""

import random

from leanrl.eval.drawing.schedule import Draw, Schedule


def draws(lengths, *, num_samples):
    return [Draw("math", name, sample) for name in lengths for sample in range(num_samples)]


def drain(schedule):
    return list(iter(schedule.take, None))


def makespan(order, lengths, *, num_slots):
    """Return the steps until the last completion ends and the fraction of busy slots; each slot takes what is next."""
    schedule, running, clock, busy = order, {}, 0, 0
    while True:
        while len(running) < num_slots and (draw := schedule.take()) is not None:
            running[draw] = clock + lengths[draw.id]
        if not running:
            return clock, busy / (clock * num_slots)
        clock_before, clock = clock, min(running.values())
        busy += len(running) * (clock - clock_before)
        for draw in [draw for draw, end in running.items() if end == clock]:
            del running[draw]
            schedule.finished(draw, num_tokens=lengths[draw.id])


def test_every_completion_is_handed_out_once():
    wanted = draws({"a": 1, "b": 2, "c": 3}, num_samples=4)
    schedule = Schedule(wanted, known_tokens={("math", "b"): 7})
    assert len(schedule) == 12
    assert sorted(drain(schedule)) == sorted(wanted)
    assert len(schedule) == 0


def test_first_samples_come_first_and_the_rest_longest_first():
    """Lengths 5, 90 and 40: after the first samples the problem of 90 tokens comes, then 40, then 5."""
    lengths = {"short": 5, "long": 90, "middle": 40}
    schedule = Schedule(draws(lengths, num_samples=3), known_tokens={})
    firsts = [schedule.take() for _ in lengths]
    assert [(draw.id, draw.sample) for draw in firsts] == [("short", 0), ("long", 0), ("middle", 0)]
    for draw in firsts:
        schedule.finished(draw, num_tokens=lengths[draw.id])
    assert [draw.id for draw in drain(schedule)] == ["long", "long", "middle", "middle", "short", "short"]


def test_a_problem_whose_first_sample_still_runs_counts_as_the_longest():
    schedule = Schedule(draws({"ended": 1, "running": 1}, num_samples=2), known_tokens={})
    ended, _ = schedule.take(), schedule.take()
    schedule.finished(ended, num_tokens=1000)
    assert [draw.id for draw in drain(schedule)] == ["running", "ended"]


def test_lengths_of_an_earlier_start_are_used():
    """Problem b was drawn before with 50 tokens, so that only a needs a first sample."""
    missing = [Draw("math", "b", 1), Draw("math", "a", 0), Draw("math", "a", 1), Draw("math", "b", 2)]
    schedule = Schedule(missing, known_tokens={("math", "b"): 50})
    first = schedule.take()
    assert first == Draw("math", "a", 0)
    schedule.finished(first, num_tokens=10)
    assert [(draw.id, draw.sample) for draw in drain(schedule)] == [("b", 1), ("b", 2), ("a", 1)]


def test_the_slots_stay_busy_to_the_end():
    """Two benchmarks, 40 problems x 8 samples with lengths of a long tail in 16 slots: no more than 3 % stand idle.

    Benchmark by benchmark and sample by sample, as a loop over batches has it, the slots wait for each batch's longest.
    """
    generator = random.Random(1)
    lengths = {f"p{number}": int(generator.lognormvariate(6, 0.8)) + 1 for number in range(40)}
    wanted = draws(lengths, num_samples=8)
    _, busy = makespan(Schedule(wanted, known_tokens={}), lengths, num_slots=16)
    batches = [wanted[start : start + 16] for start in range(0, len(wanted), 16)]
    work = sum(lengths[draw.id] for draw in wanted)
    busy_of_batches = work / (16 * sum(max(lengths[draw.id] for draw in batch) for batch in batches))
    assert busy > 0.97
    assert busy_of_batches < 0.8
