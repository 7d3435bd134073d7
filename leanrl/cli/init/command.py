"""`leanrl init`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leanrl.cli.terminal.completion import complete_card
from leanrl.cli.terminal.options import Overrides
from leanrl.hints import command, quoted

if TYPE_CHECKING:
    from leanrl.cli.plan.answer import Answer
    from leanrl.config.schema import RunConfig

_ENDINGS = (".yaml", ".yml")


def init(
    device: Annotated[
        str | None,
        typer.Option(
            metavar="CARD|cpu", help="What trains: a card such as rtx3090, or cpu.", autocompletion=complete_card
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="ID|FOLDER", help="The model to train.")] = None,
    data: Annotated[
        str | None, typer.Option(metavar="FILE", help="Problems with answers; an empty text takes the preset's own.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The preset to write.")] = Path("mine.yaml"),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take the default of what is not given.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Ask three questions, write a preset, and show its plan and the next command."""
    _require_place(out)
    typed = overrides or []
    parent, settings, about = _asked(device, model, data, take_defaults=yes, typed=typed)
    _write(out, parent=parent, settings=settings, about=about)


def _require_place(out: Path) -> None:
    from leanrl.errors import ConfigError
    from leanrl.storage.output_folder import require_writable

    if out.suffix not in _ENDINGS:
        raise ConfigError(f"{out} does not end like a preset.", hint=command("init", "--out", out.with_suffix(".yaml")))
    if out.exists():
        other = next(name for number in range(2, 1000) if not (name := out.with_stem(f"{out.stem}-{number}")).exists())
        raise ConfigError(f"{out} exists, and is not written over.", hint=command("init", "--out", other))
    if not out.parent.exists():
        raise ConfigError(f"the folder {out.parent} does not exist.", hint=f"mkdir -p {quoted(out.parent)}")
    require_writable(out.parent, what=f"--out is {out}", hint=f"--out FOLDER/{out.name}")


def _asked(
    device: str | None, model: str | None, data: str | None, *, take_defaults: bool, typed: Sequence[str]
) -> tuple[str, dict[str, Any], str]:
    """Return the parent, the settings of all answers, and what the preset is for."""
    from leanrl.cli.init.answers import device_here, read_data, read_device, read_model
    from leanrl.cli.init.questions import Question
    from leanrl.config.layers import flatten
    from leanrl.config.load import load_config
    from leanrl.config.overrides import parse_overrides

    here = device_here()
    seen = f"{here}, which is in this machine" if here != "cpu" else "cpu; no GPU is seen here"
    asked = Question(
        "1/3  Which card trains? A name such as rtx3090, or cpu.",
        here, seen, lambda answer: read_device(answer, more=typed), "--device",
    )  # fmt: skip
    chosen = asked.answered(device, take_default=take_defaults)
    usual = load_config(chosen.parent, typed).config
    asked_model = Question(
        "2/3  Which model? A Hub id or a folder.",
        usual.model.id, usual.model.id, lambda answer: read_model(answer, usual=usual.model.id), "--model",
    )  # fmt: skip
    of_model = asked_model.answered(model, take_default=take_defaults)
    own = usual.data.hub_id or f"{usual.data.generator or usual.data.path}"
    asked_data = Question(
        "3/3  Which problems? A file with a question and an answer in each row: .jsonl, .json, .csv, .tsv, .parquet.",
        "", f"the preset's own, {own}", lambda answer: read_data(answer, parent=chosen.parent, more=typed), "--data",
    )  # fmt: skip
    of_data = asked_data.answered(data, take_default=take_defaults)
    given, _ = parse_overrides(typed)
    settings = {**chosen.settings, **of_model, **of_data, **flatten(given.values)}
    name = settings.get("model.id", usual.model.id)
    return chosen.parent, settings, f"{name} on {settings.get('data.path', own)}, trained on {chosen.name}"


def _write(out: Path, *, parent: str, settings: dict[str, Any], about: str) -> None:
    """Plan the run, find settings that fit where its own do not, write the preset, and print what was found."""
    from leanrl.cli.init.answers import as_overrides
    from leanrl.cli.plan.answer import print_answer
    from leanrl.config.files.starting import starting_preset
    from leanrl.config.load import load_config
    from leanrl.planning import examine_here

    config = load_config(parent, [*as_overrides(settings), f"name={out.stem}"]).config
    missing = examine_here(config).lines
    answer, found = _planned(config)
    text = starting_preset(out, parent=parent, about=about, settings=settings | found, found=list(found))
    with out.open("x", encoding="utf-8") as file:
        file.write(text)
    if answer is not None:
        print_answer(answer, missing, as_json=False, with_details=False)
    print(f"\nwritten: {out}\nnext: {_next(out, config, answer)}")


def _next(out: Path, config: "RunConfig", answer: "Answer | None") -> str:
    """Return the command to go on with: the run, or what fits the card where the run does not."""
    if answer is None or answer.plan is None or answer.plan.verdict != "does_not_fit":
        return command("train", "-p", out)
    card = config.hardware.gpu
    return command("plan", "-p", out, "--details") if card is None else command("plan", "--largest", "--gpu", card)


def _planned(config: "RunConfig") -> "tuple[Answer | None, dict[str, Any]]":
    """Return the plan with the settings that a search had to change; neither where no plan can be made."""
    from leanrl.cli.plan.answering import fitted, planned
    from leanrl.errors import MissingError, NoFormulaError

    try:
        answer = planned(config)
        if answer.plan is None or answer.plan.verdict != "does_not_fit" or config.hardware.is_cpu:
            return answer, {}
        answer, _ = fitted(config)
    except (MissingError, NoFormulaError) as error:
        print(f"no plan is made: {error}", file=sys.stderr)
        return None, {}
    return answer, dict(answer.fit.changes) if answer.fit is not None and answer.fit.fits else {}
