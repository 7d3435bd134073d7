"""The version of leanrl: in runs, in messages, and of the distribution."""

__version__ = "0.1.0"
