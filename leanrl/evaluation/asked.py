"""The choices of an evaluation, with the names of the command line's options."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.protocols import Protocol, find_protocol

EngineName = Literal["vllm", "hf", "endpoint"]
# Those of the paper's tables.
PAPER_BENCHMARKS = ("aime24", "math500", "amc23", "minerva", "olympiadbench")


@dataclass(frozen=True)
class Asked:
    """An evaluation as it is asked for; None leaves a value to the protocol or to what is installed.

    Args:
        model: a Hub id, a folder of a model, a run or a checkpoint; with `endpoint` a name that the endpoint serves.
        benchmarks: names, benchmark files, or files of problems.
        max_tokens: the longest completion.
        endpoint: address of an OpenAI-compatible server.
        with_math_verify: whether math-verify's verdicts are stored beside leanrl's.
        data_dir: a folder whose files take the place of the Hub.
        limit: the first problems of each benchmark.
        out: the folder of the evaluation.
    """

    model: str
    benchmarks: tuple[str, ...] = PAPER_BENCHMARKS
    protocol: str = "robust"
    samples: int | None = None
    max_tokens: int | None = None
    engine: Literal["vllm", "hf"] | None = None
    endpoint: str | None = None
    with_math_verify: bool = False
    data_dir: Path | None = None
    limit: int | None = None
    out: Path | None = None

    def chosen_protocol(self) -> Protocol:
        """Return the protocol with what was asked differently.

        Raises:
            ConfigError: if there is no such protocol, or a number is none that an evaluation can have.
        """
        protocol = find_protocol(self.protocol)
        if self.samples is not None:
            protocol = protocol.with_samples(self.samples)
        if self.max_tokens is not None:
            if self.max_tokens < 1:
                raise ConfigError(f"--max-tokens is {self.max_tokens}.", hint="--max-tokens 32768")
            protocol = replace(protocol, max_completion_tokens=self.max_tokens)
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"--limit is {self.limit}: no problem would be asked.", hint="--limit 40")
        return protocol

    def folder_suffix(self) -> str:
        """Return what of the question the default folder's name says: the protocol, and what departs from it."""
        parts = [self.protocol]
        parts += [f"k{self.samples}"] if self.samples is not None else []
        parts += [f"{self.max_tokens}tokens"] if self.max_tokens is not None else []
        parts += [f"first{self.limit}"] if self.limit is not None else []
        return "-".join(parts)
