"""Options are checked where torch is not there: `leanrl train --dry-run` needs none."""

import subprocess
import sys

CODE = """
import sys

sys.modules["torch"] = None  # importing it raises
from leanrl.seams.registry import SEAMS, Choice, find_problems, known_plugins, make_plugin

for seam in SEAMS:
    for name in known_plugins(seam):
        problems = list(find_problems(Choice(seam, name, {"no_such_option": 1})))
        assert any("no_such_option" in problem.where for problem in problems), (seam, name)
        make_plugin(Choice(seam, name, {"rows": 2} if name == "pods" else {}))
print(sum(len(known_plugins(seam)) for seam in SEAMS))
"""


def test_every_plug_in_is_made_without_torch():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 9
