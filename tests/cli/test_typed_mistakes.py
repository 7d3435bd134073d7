"""Mistakes that people type, and the lines that they read: what is wrong, and what mends it; no traceback, no torch.

`train` refuses what `train --dry-run` and `plan` list as missing: the same table holds all three.
"""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import LeanRLError, MissingError
from leanrl.preflight import checks
from tests.cli.run import tiny_overrides
from tests.models import templates

PLUGIN = """
from leanrl.rewards.registry import reward
@reward("typed_{name}")
def mine(sample):
    return {returned}
"""

FILES = {
    "afile": "",
    "good.jsonl": "".join(json.dumps({"problem": f"{n} + 1", "answer": n + 1}) + "\n" for n in range(8)),
    "cut.jsonl": '{"problem": "1 + 1", "answer": "2"}\n{"problem": \n',
    "spaced.jsonl": json.dumps({"Problem (Text)": "1 + 1", "Answer": "2"}) + "\n",
    "verl.jsonl": json.dumps({"prompt": [{"role": "user", "content": "1?"}], "reward_model": {"ground_truth": "2"}}),
    "empty.jsonl": "",
    "noreward.py": "x = 1\n",
    "raises.py": PLUGIN.format(name="raises", returned="sample.nosuch"),
    "word.py": PLUGIN.format(name="word", returned="'high'"),
    "leaves.py": "raise SystemExit(3)\n",
    "drops.jinja": templates.DROPS_SYSTEM,
    "merges.jinja": templates.MERGES_SYSTEM,
    "raises.jinja": "{{ raise_exception('not today') }}",
    "my plugin.py": PLUGIN.format(name="spaced", returned="1 / 0"),
}

MINE = ["data.path=good.jsonl", "data.num_heldout=0", "eval.greedy=false"]


def _data(name):
    return [f"data.path={name}", "data.num_heldout=0", "eval.greedy=false"]


# (settings, other arguments, the lines that are read, exit code)
MISTAKES = {
    "data file": (
        _data("nope.jsonl"), [], ["data.path is nope.jsonl, which cannot be read: No such file or directory."], 4,
    ),
    "url": (
        _data("https://example.com/x.jsonl"), [],
        ["data.path is https://example.com/x.jsonl, and leanrl reads files of this machine", "curl -LO"], 4,
    ),
    "column with spaces": (
        _data("spaced.jsonl"), [],
        ["has no column 'problem'", "-s data.problem_column='Problem (Text)' -s data.answer_column=Answer"], 4,
    ),
    "nested column": (
        [*_data("verl.jsonl"), "data.answer_column=truth"], [],
        ["has no column 'truth'", "-s data.answer_column=reward_model.ground_truth"], 4,
    ),
    "broken line": (_data("cut.jsonl"), [], ["cut.jsonl:2: not valid JSON"], 4),
    "empty file": (_data("empty.jsonl"), [], ["empty.jsonl: holds no rows"], 4),
    "folder with a broken file": (_data("."), [], ["cut.jsonl:2: not valid JSON"], 4),
    "model folder": (["model.id=/nope/model"], [], ["model.id is /nope/model, and there is no such folder."], 2),
    "model that is nowhere": (["model.id=nobody/nothing"], [], ["the model nobody/nothing cannot be had"], 5),
    "reward name": (["rewards.acuracy=1"], [], ['rewards.acuracy: no such reward (hint: did you mean "accuracy"?)'], 2),
    "reward option": (
        ["rewards.cosine=1", "reward_options.cosine.max_tokns=9"], [],
        ["reward_options.cosine.max_tokns: no such option"], 2,
    ),
    "plug-in": ([], ["--plugin", "nope.py"], ["--plugin is nope.py, and there is no such file."], 2),
    "plug-in without a reward": (
        [], ["--plugin", "noreward.py"], ["is noreward.py, which registers no reward and no plug-in of a step."], 2,
    ),
    "plug-in that leaves": (
        [], ["--plugin", "leaves.py"], ["leaves.py cannot be used as a plug-in: SystemExit: 3"], 2,
    ),
    "reward that raises": (
        [*MINE, "rewards.typed_raises=1"], ["--plugin", "raises.py"],
        [
            'Reward "typed_raises" raised AttributeError', "raises.py:5, in mine", r"the completion '\\boxed{1}'",
            "tried before the model is loaded",
        ], 4,
    ),
    "reward of a word": (
        [*MINE, "rewards.typed_word=1"], ["--plugin", "word.py"],
        ['Reward "typed_word" returned \'high\', not a finite number'], 4,
    ),
    "run folder below a file": (
        [], ["--run-dir", "afile/run"], ["the run folder is afile/run, where nothing can be written", "is a file"], 2,
    ),
    "run folder in /proc": ([], ["--run-dir", "/proc/x"], ["nothing can be written: /proc takes no new folder"], 2),
    "run folder with a name too long": ([], ["--run-dir", "x" * 300], ["a name has more than 255 bytes"], 2),
    "run folder that exists": ([], ["--run-dir", "."], [". exists already, and leanrl never writes over a run."], 2),
    "chat template": (["model.chat_template=nope.jinja"], [], ["there is no file nope.jinja"], 5),
    "template that drops the system message": (
        ["model.chat_template=drops.jinja"], [], ["data.system_prompt: the template leaves the system message out"], 2,
    ),
    "template that raises": (["model.chat_template=raises.jinja"], [], ["which does not render a message"], 2),
}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("leanrl.models.locate.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def _arguments(model, settings, more):
    return ["-p", "cpu-demo", *tiny_overrides(model, *settings), *more]


def _refused(arguments):
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, LeanRLError), error
    return error


@pytest.mark.parametrize("name", MISTAKES)
def test_train_refuses_it_before_anything_is_loaded(tiny_model, place, name):
    settings, more, lines, code = MISTAKES[name]
    error = _refused(["train", *_arguments(tiny_model, settings, more)])
    for line in lines:
        assert line in str(error)
    assert error.exit_code == code
    assert not (place / "runs").exists()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_dry_run_lists_it_and_a_plan_too(tiny_model, place, name):
    settings, more, lines, _ = MISTAKES[name]
    shown = CliRunner().invoke(app, ["train", *_arguments(tiny_model, settings, more), "--dry-run"])
    assert shown.exit_code == 0, shown.exception
    missing = shown.stdout.partition("\nmissing here\n")[2]
    assert missing.splitlines()[0] != "  nothing"
    for line in lines:
        assert line in missing
    if "--run-dir" in more:  # a plan makes no run folder
        return
    planned = CliRunner().invoke(app, ["plan", *_arguments(tiny_model, settings, more), "--details"])
    no_shape = name.startswith("model")  # then there is no plan, and the lines precede the error
    assert isinstance(planned.exception, MissingError) if no_shape else planned.exit_code == 0, planned.exception
    assert "missing here: " in planned.output
    for line in lines:
        assert line in planned.output


def test_everything_is_said_at_once(place):
    settings = ("model.id=/nope/model", "rewards.acuracy=1", "data.path=nope.jsonl")
    flags = [part for setting in settings for part in ("-s", setting)]
    error = _refused(["train", "-p", "cpu-demo", *flags, "--plugin", "nope.py", "--run-dir", "afile/run"])
    assert len([line for line in str(error).splitlines() if line.startswith("  - ")]) == 5
    assert error.exit_code == 2


def test_nothing_is_missing_where_training_would_start(tiny_model, place):
    shown = CliRunner().invoke(app, ["train", *_arguments(tiny_model, MINE, []), "--dry-run"]).stdout
    assert "\nmissing here\n  nothing" in shown
    assert "missing here" not in CliRunner().invoke(app, ["plan", *_arguments(tiny_model, MINE, [])]).stdout


def test_what_a_template_changes_is_warned_of(tiny_model, place):
    arguments = _arguments(tiny_model, [*MINE, "model.chat_template=merges.jinja"], [])
    sentence = "the chat template has no system turn"
    shown = CliRunner().invoke(app, ["train", *arguments, "--dry-run"]).stdout
    assert sentence in shown.partition("\nwarnings\n")[2]
    assert sentence in CliRunner().invoke(app, ["plan", *arguments]).stderr


@pytest.mark.parametrize(("cards", "device"), [(0, "no GPU"), (2, "GPU 3 is used, and there are 0 to 1")])
def test_gpus_are_asked_for_before_packages_that_only_they_need(place, monkeypatch, cards, device):
    monkeypatch.setattr(checks, "num_cards_here", lambda: cards)
    error = _refused(["train", "-p", "a40x4-full-exp2", "-s", "hardware.device=cuda"])
    first, *others = [line for line in str(error).splitlines() if line.startswith("  - ")]
    assert device in first
    assert any("vllm" in line for line in others)
    assert "`leanrl train -p a40x4-full-exp2 -s hardware.device=cuda --dry-run` shows the plan" in str(error.hint)


def test_the_printed_command_keeps_plug_ins_and_quotes(tiny_model, place):
    more = ["--plugin", "my plugin.py", "--run-dir", "my run"]
    shown = (
        CliRunner().invoke(app, ["train", "-p", "cpu-demo", "-s", "data.system_prompt=a b", *more, "--dry-run"]).stdout
    )
    command = "leanrl train -p cpu-demo -s 'data.system_prompt=a b' --plugin 'my plugin.py' --run-dir 'my run'"
    assert shown.startswith(f"command\n  {command}\n")


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("optimizer.learning_rate=200", "optimizer.learning_rate 200 moves each weight by about 200 a step"),
        ("rewards.accuracy=-1", "rewards.accuracy is -1: completions are rewarded for a low accuracy."),
        ("train.num_prompts=1", "train.micro_batch_completions 32 is more than the 8 completions of a rank"),
        ("eval.greedy=false", "and eval.greedy is false, so they are never asked"),
    ],
)
def test_what_is_harmless_or_odd_is_said_and_not_refused(place, setting, sentence):
    shown = CliRunner().invoke(app, ["train", "-p", "cpu-demo", "-s", setting, "--dry-run"])
    assert shown.exit_code == 0
    assert sentence in shown.stdout.partition("\nwarnings\n")[2]


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "-p", "~nobody-has-this-name/x.yaml"],
        ["plan", "-p", "single-gpu-lora", "-s", "model.id=~nobody-has-this-name/model"],
        ["plan", "-p", "cpu-demo", "--lengths", "run:~nobody-has-this-name/run"],
        ["train", "-p", "cpu-demo", "-s", "data.path=~nobody-has-this-name/x.jsonl"],
        ["train", "-p", "cpu-demo", "-s", "model.chat_template=~nobody-has-this-name/x.jinja"],
        ["train", "-p", "cpu-demo", "-s", "model.tuning.start_adapter=~nobody-has-this-name/x"],
        ["eval", "~nobody-has-this-name/x"],
        ["data", "build", "~nobody-has-this-name/x.yaml", "--out", "built"],
        ["init", "-y", "--device", "cpu", "--model", "~nobody-has-this-name/x"],
    ],
    ids=" ".join,
)
def test_a_home_that_nobody_has_is_a_path_that_is_not_there(words, place):
    error = _refused(words)
    assert "~nobody-has-this-name" in str(error)
    assert not (place / "built").exists()
