"""Stands for `leanrl` in the blocks of a page: runs the printed command with what toy.yaml puts behind it."""

import os
import shlex
import subprocess
import sys

from tests.examples import toy


def main(words: list[str]) -> None:
    """Run a command, unless it is long and the tests are not, or runs elsewhere."""
    if toy.elsewhere_of(["leanrl", *words])[0]:
        return
    beginning, entry = toy.entry_of(words)
    if beginning:
        toy.log(beginning)
    if entry.get("long") and os.environ.get(toy.IS_LONG) != "1":
        return
    if "before" in entry:
        subprocess.run(["bash", "-euo", "pipefail", "-c", toy.filled(entry["before"])], check=True)
    added = [] if "--dry-run" in words else shlex.split(toy.filled(entry.get("add", "")))
    sys.argv = ["leanrl", *words, *added]
    from leanrl.cli.main import main as leanrl_main

    leanrl_main()


if __name__ == "__main__":
    main(sys.argv[1:])
