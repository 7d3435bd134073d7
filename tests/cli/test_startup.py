"""What starting costs: the help imports no heavy library."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "trl", "peft", "datasets", "rich", "matplotlib", "sympy", "yaml")

SCRIPT = """
import sys
sys.argv = ["leanrl", *{arguments!r}]
from leanrl.cli.main import main
try:
    main()
except SystemExit:
    pass
print("IMPORTED", sorted(set({heavy!r}) & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], (*HEAVY, "pydantic")),
        # typer itself takes pydantic to parse a subcommand's arguments
        (["train", "--help"], HEAVY),
        (["presets", "--help"], HEAVY),
    ],
)
def test_help_imports_no_heavy_library(arguments, heavy):
    script = SCRIPT.format(arguments=arguments, heavy=heavy)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("IMPORTED []")
    assert "Usage: leanrl" in done.stdout


def test_dry_run_needs_no_torch():
    script = SCRIPT.format(arguments=["train", "--dry-run"], heavy=("torch", "transformers", "trl", "peft"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("IMPORTED []")


def test_telemetry_is_off_before_a_library_is_imported():
    script = (
        "import os; [os.environ.pop(name, None) for name in ('HF_HUB_DISABLE_TELEMETRY', 'VLLM_NO_USAGE_STATS')]\n"
        "from leanrl.machine.environment import quiet_libraries; quiet_libraries()\n"
        "import huggingface_hub.constants as constants\n"
        "print(constants.HF_HUB_DISABLE_TELEMETRY, os.environ['VLLM_NO_USAGE_STATS'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "1"]


def test_a_users_choice_of_telemetry_stands():
    script = (
        "import os; os.environ['HF_HUB_DISABLE_TELEMETRY'] = '0'\n"
        "from leanrl.machine.environment import quiet_libraries; quiet_libraries()\n"
        "print(os.environ['HF_HUB_DISABLE_TELEMETRY'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
