"""A model brought by a Python package as one GGUF file, rebuilt as a plain folder of safetensors.

Heavy libraries are imported where a model is rebuilt: a dry run only asks where it will lie.
"""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from leanrl.errors import ConfigError, MissingError
from leanrl.machine.installation import install_extras, install_packages
from leanrl.storage.output_folder import require_writable
from leanrl.storage.temporary.owned import OwnedFolder, owned_folder

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True)
class WheelModel:
    """The GGUF file of an installed package."""

    package: str
    version: str
    file: Path

    def is_of(self, model_id: str) -> bool:
        """Whether the file holds the model with this Hub id; by custom a GGUF file is named after its model."""
        return not model_id or self.file.name.lower().startswith(model_id.rsplit("/", 1)[-1].lower())


def find_wheel_model(package: str) -> WheelModel | None:
    """Return the GGUF file that an installed package brings, or None where the package is not installed.

    The package is never imported: it may need libraries that have nothing to do with its weights.

    Raises:
        ConfigError: if the package does not bring exactly one GGUF file.
    """
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        return None
    files = _gguf_files(installed)
    if len(files) != 1:
        raise ConfigError(
            f"model.wheel is {package}, which brings {len(files)} GGUF files"
            f"{': ' + ', '.join(file.name for file in files) if files else ''}; one is wanted.",
            hint="-s model.wheel=null takes the model from the Hub",
        )
    return WheelModel(package=package.lower().replace("_", "-"), version=installed.version, file=files[0])


def wheel_model_folder(carried: WheelModel, *, dtype: str, models: Path) -> Path:
    """Return where under `models` a wheel's model lies once it is unpacked."""
    return models / f"{carried.package}-{carried.version}-{dtype}"


def unpack_wheel_model(carried: WheelModel, *, dtype: str, models: Path) -> Path:
    """Return a folder under `models` with the wheel's model in `dtype`, made by the first call.

    It is written beside and renamed, so several processes may ask at once and a kill leaves nothing in its place.

    Raises:
        ConfigError: if nothing can be written there, as in a home that is read-only.
        MissingError: if the package that reads GGUF is not installed.
    """
    final = wheel_model_folder(carried, dtype=dtype, models=models)
    if final.is_dir():
        return final
    if find_spec("gguf") is None:
        raise MissingError(
            f"{carried.file.name} (from the package {carried.package}) is read with the package gguf, "
            "which is not installed.",
            hint=install_extras("demo"),
        )
    what = f"the weights of the package {carried.package} are unpacked into {models}"
    require_writable(models, what=what, hint="export LEANRL_CACHE=FOLDER")
    models.mkdir(parents=True, exist_ok=True)
    import torch

    with owned_folder(models, prefix=f"{final.name}.", suffix=".partial") as beside:
        _write_model(carried, beside.path, dtype=getattr(torch, dtype))
        _publish(beside, final)
    return final


@contextmanager
def read_once() -> Iterator[None]:
    """Let all who read the fields of one GGUF file within share one reader.

    transformers reads them anew for config, tokenizer and weights: five times, seconds each, since every word of the
    vocabulary is an array of its own.
    """
    import gguf

    original = gguf.GGUFReader
    gguf.GGUFReader = cache(original)
    try:
        yield
    finally:
        gguf.GGUFReader = original


def _gguf_files(installed: Distribution) -> list[Path]:
    found = (Path(str(installed.locate_file(file))) for file in installed.files or [] if file.suffix == ".gguf")
    return sorted(path for path in found if path.is_file())


def _publish(beside: OwnedFolder, final: Path) -> None:
    try:
        beside.publish(final)
    except OSError:
        # Another process was first; its folder holds the same bytes.
        if not final.is_dir():
            raise


def _write_model(carried: WheelModel, folder: Path, *, dtype: "torch.dtype") -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    source = {"pretrained_model_name_or_path": str(carried.file.parent), "gguf_file": carried.file.name}
    with read_once(), redirect_stderr(StringIO()):  # the reader's bars ask nobody before they are drawn
        pre_tokenizer_name = _pre_tokenizer_name(carried)
        tokenizer = AutoTokenizer.from_pretrained(**source)
        model = _clean_copy(AutoModelForCausalLM.from_pretrained(**source, dtype=dtype))
    _repair_tokenizer(tokenizer, model, pre_tokenizer_name=pre_tokenizer_name)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.generation_config = GenerationConfig.from_model_config(model.config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _clean_copy(loaded: "PreTrainedModel") -> "PreTrainedModel":
    """Return the same model under a config that knows nothing of GGUF.

    transformers dequantises a GGUF file as it loads, yet goes on calling the model quantised: it refuses to
    save it, and a later load by path would look for the GGUF file again.
    """
    import torch

    fields = loaded.config.to_dict()
    for name in ("quantization_config", "_model_name_or_path"):
        fields.pop(name, None)
    config = type(loaded.config).from_dict(fields)
    with torch.device("meta"):
        clean = type(loaded)(config)
    clean.load_state_dict(loaded.state_dict(), assign=True)
    clean.tie_weights()
    return clean


def _repair_tokenizer(
    tokenizer: "PreTrainedTokenizerFast", model: "PreTrainedModel", *, pre_tokenizer_name: str
) -> None:
    """Set what transformers does not take over from a GGUF file.

    The end token: it leaves the start token in its place, and a turn would never end. The split of text into
    words: it applies GPT-2's for every model, and SmolLM cuts out each digit first.
    """
    from tokenizers import decoders, pre_tokenizers

    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(model.config.eos_token_id)
    unknown = tokenizer.unk_token
    tokenizer.pad_token = unknown if unknown not in (None, tokenizer.eos_token) else tokenizer.eos_token
    tokenizer.clean_up_tokenization_spaces = False  # it would strip spaces before punctuation
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.backend_tokenizer.model.byte_fallback = False  # no token is a byte by its number: the split is ByteLevel
    if pre_tokenizer_name == "smollm":
        backend = tokenizer.backend_tokenizer
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        backend.decoder = decoders.ByteLevel()


def _pre_tokenizer_name(carried: WheelModel) -> str:
    from gguf import GGUFReader

    try:
        field = GGUFReader(str(carried.file)).get_field("tokenizer.ggml.pre")
    except (ValueError, IndexError) as error:
        raise ConfigError(
            f"{carried.file} (from the package {carried.package}) cannot be read: {error}",
            hint=install_packages(carried.package, with_dependencies=False, again=True),
        ) from error
    return "" if field is None else str(field.contents())
