"""Starts a server and waits, to be killed: MODEL PORT LOG."""

import sys
import time
from pathlib import Path

from leanrl.rollout.server.command import server_environment
from leanrl.rollout.server.process import ServerProcess

if __name__ == "__main__":
    model, port, log = sys.argv[1:]
    flags = ["--model", model, "--dtype", "float32", "--max-model-len", "64", "--enforce-eager"]
    flags += ["--kv-cache-memory-bytes", str(2**20), "--block-size", "32", "--max-num-seqs", "2"]
    process = ServerProcess(flags, port=int(port), log=Path(log), environment=server_environment([]), start_seconds=180)
    process.start()
    print("ready", flush=True)
    time.sleep(600)
