"""`python -m leanrl` is `leanrl`."""

from leanrl.cli.main import main

main()
