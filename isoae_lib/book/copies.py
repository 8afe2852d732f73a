"""Executed copies of notebooks: where each lies, and which of them the book shows.

The book shows what `build/PRESET/executed` holds: copies made at this preset with the parameters
that the notebook has by itself, and not edited since. All others lie in `build/PRESET/changed`.
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
    """Return where the copies lie that the book shows."""
    return ROOT / "build" / preset / "executed"


def place(stem: str, preset: str, parameters: dict[str, Any]) -> Path:
    """Return where a copy goes, by the parameters that were changed for it."""
    if not parameters:
        return folder(preset) / f"{stem}.ipynb"
    settings = [f"{name}={value}" for name, value in sorted(parameters.items())]
    name = ",".join([stem, *settings]).replace("/", "_")
    return _others(preset) / f"{name}.ipynb"


def _others(preset: str) -> Path:
    return folder(preset).with_name("changed")


def check_place(out: Path, stem: str, preset: str, parameters: dict[str, Any]) -> None:
    """Keep copies that the book does not show out of the folders that it is made from.

    Raises
    ------
    InputError
        If the copy would lie among the book's, and is no part of it.
    """
    of_book = {folder(name).resolve() for name in sections.PRESETS}
    if (
        out.resolve().parent in of_book
        and out.resolve() != place(stem, preset, parameters).resolve()
    ):
        raise InputError(f"{out.parent} holds the pages of the book: give another --out.")


def sign(copy: Path, preset: str, parameters: dict[str, Any], seconds: float) -> None:
    """Write beside a copy how it was made, and its checksum."""
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
    """Move copies that are no part of the book out of its folder, so that they are made again."""
    for stem in sections.NOTEBOOKS:
        copy = folder(preset) / f"{stem}.ipynb"
        if copy.is_file() and not is_of_book(copy, preset):
            elsewhere = _others(preset) / copy.name
            elsewhere.parent.mkdir(exist_ok=True)
            copy.replace(elsewhere)
            log.warning(
                "%s is not as the build made it: it lies at %s now, and is made again.",
                copy,
                elsewhere,
            )
