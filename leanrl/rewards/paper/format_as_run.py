"""The format reward of the paper's runs."""

from leanrl.types import Sample


def format_as_run(sample: Sample) -> float:
    r"""Return 1 if "\n</think>\n" occurs exactly once, else 0.

    A count of strings: neither an opening tag (the prompt holds it) nor an <answer> is asked for, and a closing tag
    without a line break on both sides does not count.

    Source: Open-RS (arXiv 2503.16219), src/open_r1/rewards.py, `format_reward`.
    """
    return 1.0 if sample.text.count("\n</think>\n") == 1 else 0.0
