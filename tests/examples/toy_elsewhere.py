"""Stands for a program that the blocks of a page name and the tests do not run: it has to be in toy.yaml."""

import shlex
import sys

from tests.examples import toy

if __name__ == "__main__":
    if not toy.elsewhere_of(sys.argv[1:])[0]:
        sys.exit(f"`{shlex.join(sys.argv[1:])}` is not under `elsewhere` in {toy.FILE.name}")
