"""What surrounds the loop of a run."""

import pytest
import torch

from leanrl.errors import StoppedError
from leanrl.loop import naming_the_run
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.engine import VllmServer
from leanrl.storage.run_folder import RunFolder


@pytest.mark.parametrize(
    ("process", "hint"),
    [
        (object(), "`leanrl train --resume '{run}'` continues from the last checkpoint"),
        (None, "start the server at http://here:1 again; then `leanrl train --resume '{run}'` continues"),
    ],
    ids=["leanrl's own server", "a user's"],
)
def test_the_hint_of_a_lost_server_can_be_pasted(tmp_path, process, hint):
    engine = VllmServer(
        ServerClient("http://here:1", deadline_seconds=1), process=process, base="base", dtype=torch.float32
    )
    run = RunFolder(tmp_path / "my run")
    with pytest.raises(StoppedError) as caught, naming_the_run(run):
        raise StoppedError("the rollout server is lost", hint=engine._hint)
    assert caught.value.hint.startswith(hint.format(run=run.path))


def test_an_error_without_a_hint_stays_as_it_is(tmp_path):
    with pytest.raises(StoppedError) as caught, naming_the_run(RunFolder(tmp_path)):
        raise StoppedError("gone")
    assert caught.value.hint is None
