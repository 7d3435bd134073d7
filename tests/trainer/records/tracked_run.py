"""A run of two steps that a tracker follows, evaluated after each; as a program it reads trackers that keep files.

    python -m tests.trainer.records.tracked_run wandb|trackio MODEL OUT

trains in OUT with the real package and prints what it has kept, as JSON. With `environment_of` it needs no network.
"""

import json
import struct
import sys
import time
from pathlib import Path

from tests.trainer.evaluations.evaluated_run import evaluated_config, open_run


def environment_of(out):
    """Return what keeps both trackers to files below `out`; each reads it when it is imported."""
    offline = {"WANDB_MODE": "offline", "WANDB_DIR": str(out), "WANDB_SILENT": "true"}
    return offline | {"TRACKIO_DIR": str(out / "trackio"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def train_tracked(model, path, tracking):
    """Train two steps with completions saved at both; return the config."""
    sections = {
        "train": {"max_steps": 2},
        "checkpoints": {"every_steps": 1},
        "log": {"completions_every_steps": 1, "num_completions": 2, "track_completions": True},
    }
    config = evaluated_config(model, sections=sections, every_steps=1).model_copy(update={"tracking": tracking})
    trainer, *_ = open_run(config, path)
    trainer.train_from(None)
    return config


def _wandb(out):
    """Read the file of an offline run: its records in their order."""
    from wandb.proto import wandb_internal_pb2

    (file,) = out.glob("wandb/offline-run-*/*.wandb")
    kept, config = [], {}
    for record in _finished_records(file, wandb_internal_pb2.Record):
        kept += [[item.key or "/".join(item.nested_key), item.value_json] for item in record.history.item]
        for source in (record.config, record.run.config):
            config |= {item.key or item.nested_key[0]: json.loads(item.value_json) for item in source.update}
    return {"config": config, "history": kept}


def _finished_records(file, kind):
    """Return the records of a run when the last one is there: a process of wandb's own writes the file."""
    for _ in range(300):
        records = [kind.FromString(data) for data in _records(file.read_bytes())]
        if any(record.HasField("exit") for record in records):
            return records
        time.sleep(0.1)
    raise AssertionError(f"{file} has no end after 30 s")


def _records(content):
    """Yield the records of a LevelDB log behind wandb's header of 7 bytes.

    A block has 32 KiB. A part of a record has a checksum, its length and its kind: whole, first, middle or last. Fewer
    than 7 bytes at the end of a block are empty.
    """
    position, record = 7, b""
    while position + 7 <= len(content):
        left = 2**15 - position % 2**15
        if left < 7:
            position += left
            continue
        length, kind = struct.unpack("<HB", content[position + 4 : position + 7])
        record += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield record
            record = b""


def _trackio(out):
    """Read the database of a local project."""
    from trackio.sqlite_storage import SQLiteStorage

    (project,) = SQLiteStorage.get_projects()
    (run,) = SQLiteStorage.get_runs(project)
    logs = SQLiteStorage.get_logs(project, run)
    history = [[name, json.dumps(value, default=str)] for line in logs for name, value in line.items()]
    return {"config": SQLiteStorage.get_run_config(project, run), "history": history}


if __name__ == "__main__":
    name, model, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    train_tracked(model, out / "run", name)
    if name == "wandb":  # transformers finishes trackio itself
        import wandb

        wandb.finish()
    print("KEPT " + json.dumps({"wandb": _wandb, "trackio": _trackio}[name](out), default=str))
