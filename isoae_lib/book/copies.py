"""Executed copies of notebooks: where each is, and which of them the book shows.

The book shows what is in `build/PRESET/executed`: copies made at this preset with the notebook's
own parameters, and not edited since. All others are in `build/PRESET/changed`.
"""

from __future__ import annotations

import ast
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT, write_whole
from isoae_lib.paper import sections

log = logging.getLogger(__name__)


def defaults(stem: str) -> dict[str, Any]:
    """Return the parameters of a notebook with the values that its file gives them."""
    import jupytext

    cells = jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent").cells
    (cell,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    lines = [line for line in ast.parse(cell.source).body if isinstance(line, ast.Assign)]
    return {ast.unparse(line.targets[0]): ast.literal_eval(line.value) for line in lines}


def changed(stem: str, settings: list[str]) -> dict[str, Any]:
    """Turn `key=value` settings into the parameters that differ from a notebook's own.

    Raises
    ------
    InputError
        If a setting has no `=`, is of no parameter, has a value of another kind, or is the preset,
        which has an option of its own.
    """
    own = defaults(choose("notebook", stem, sections.NOTEBOOKS))
    parameters = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator:
            raise InputError(f"'{setting}' is no parameter: write key=value, for example seed=1.")
        if choose(f"parameter of {stem}", name, own) == "preset":
            raise InputError("the preset is no parameter to set: give it as --preset.")
        parameters[name] = _like(own[name], name, text)
    return {name: value for name, value in parameters.items() if value != own[name]}


def _like(default: Any, name: str, text: str) -> Any:
    """Read a value of the same type as the default."""
    try:
        return type(default)(text)
    except ValueError:
        raise InputError(f"{name} is '{text}': it must be a number, like {default}.") from None


def folder(preset: str) -> Path:
    """Return the folder of the copies that the book shows."""
    return ROOT / "build" / preset / "executed"


def target_of(stem: str, preset: str, parameters: dict[str, Any]) -> Path:
    """Return the file of a copy, named by the parameters that were changed for it."""
    if not parameters:
        return folder(preset) / f"{stem}.ipynb"
    settings = [f"{name}={value}" for name, value in sorted(parameters.items())]
    name = ",".join([stem, *settings]).replace("/", "_")
    return folder(preset).with_name("changed") / f"{name}.ipynb"


def check_target(out: Path, stem: str, preset: str, parameters: dict[str, Any]) -> None:
    """Refuse to write a copy that the book does not show into a folder that it is made from.

    Raises
    ------
    InputError
        If the file is in such a folder, and is not the book's own copy.
    """
    of_book = {folder(name).resolve() for name in sections.PRESETS}
    if (
        out.resolve().parent in of_book
        and out.resolve() != target_of(stem, preset, parameters).resolve()
    ):
        raise InputError(f"{out.parent} holds the pages of the book: give another --out.")


def sign(copy: Path, preset: str, parameters: dict[str, Any], seconds: float) -> None:
    """Write how a copy was made, and its checksum, to a file beside it."""
    made = {
        "preset": preset,
        "parameters": parameters,
        "seconds": round(seconds, 1),
        "sha256": hashlib.sha256(copy.read_bytes()).hexdigest(),
    }
    write_whole(copy.with_suffix(".json"), json.dumps(made) + "\n")


def is_of_book(copy: Path, preset: str) -> bool:
    """Whether a copy was made at this preset with unchanged parameters, and not edited since."""
    try:
        made = json.loads(copy.with_suffix(".json").read_text(encoding="utf-8"))
        found = made["preset"], made["parameters"], made["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return found == (preset, {}, hashlib.sha256(copy.read_bytes()).hexdigest())


def set_aside(preset: str) -> None:
    """Move copies that do not belong to the book out of its folder: the build makes them again."""
    for stem in sections.NOTEBOOKS:
        copy = folder(preset) / f"{stem}.ipynb"
        if copy.is_file() and not is_of_book(copy, preset):
            elsewhere = copy.parent.with_name("changed") / copy.name
            elsewhere.parent.mkdir(exist_ok=True)
            copy.replace(elsewhere)
            log.warning(
                "%s is not as the build made it. It was moved to %s, and is made again.",
                copy,
                elsewhere,
            )
