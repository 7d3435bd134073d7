"""What a merge is asked for: every value that cannot be is named at once, with the nearest that can."""

import subprocess
import sys

import pytest

from leanrl.errors import ConfigError
from leanrl.models.merging.choices import MergeChoices, checked


@pytest.mark.parametrize(("given", "kind"), [("q8_0", "Q8_0"), ("Q8_0", "Q8_0"), ("f16", "F16"), ("Bf16", "BF16")])
def test_a_gguf_type_is_taken_in_any_case(given: str, kind: str) -> None:
    assert checked(MergeChoices(gguf=given)).gguf == kind


@pytest.mark.parametrize(
    ("choices", "hint"),
    [
        ({"dtype": "int8"}, "--dtype bfloat16"),
        ({"dtype": "bf16"}, "--dtype bfloat16"),
        ({"dtype": "fp16"}, "--dtype float16"),
        ({"dtype": "Float32"}, "--dtype float32"),
        ({"base": "dequantized"}, "--base dequantised"),
        ({"base": "orig"}, "--base original"),
        ({"gguf": "q8"}, "--gguf Q8_0"),
        ({"gguf": "Q4_K_M"}, "llama-quantize"),
        ({"gguf": "fp16"}, "--gguf F16"),
    ],
)
def test_the_nearest_value_is_suggested(choices: dict[str, str], hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(MergeChoices(**choices))
    assert hint in str(caught.value)


def test_all_of_them_are_named_at_once_and_without_torch() -> None:
    """`leanrl merge` answers a wrong word in the time of reading it."""
    code = """
import sys
from pathlib import Path
from leanrl.errors import ConfigError
from leanrl.pipeline import merge
try:
    merge(Path("no-run"), Path("no-out"), dtype="int8", base="dequantized", gguf="q9")
except ConfigError as error:
    print(len(error.problems))
print(*({"torch", "transformers", "peft"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3"], done.stderr
