"""Execute one notebook: from py:percent through jupytext and papermill to an executed copy."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from isoae_lib import paper
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT, write_whole


def parse_parameters(settings: list[str]) -> dict[str, str | int]:
    """Turn `key=value` settings into notebook parameters; whole numbers become int.

    Raises
    ------
    InputError
        If a setting has no `=`, or is the preset, which has an option of its own.
    """
    parameters: dict[str, str | int] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise InputError(f"'{setting}' is no parameter: write key=value, for example seed=1.")
        if name == "preset":
            raise InputError("the preset is no parameter to set: give it as --preset.")
        try:
            parameters[name] = int(value)
        except ValueError:
            parameters[name] = value
    return parameters


def execute(stem: str, preset: str, out: Path, parameters: dict[str, Any] | None = None) -> None:
    """Execute a notebook at a preset and write the executed copy to `out`, whole or not at all.

    Seconds go to a side file `STEM.json`, so that the copy holds nothing that changes from one
    execution to the next.

    Raises
    ------
    InputError
        For an unknown notebook, preset or parameter; and when a cell fails, naming the partly
        executed copy.
    """
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    import jupytext
    import papermill
    from papermill.exceptions import PapermillExecutionError

    choose("notebook", stem, paper.NOTEBOOKS)
    choose("preset", preset, paper.PRESETS)
    values = {"preset": preset, **(parameters or {})}
    folder = out.parent.parent / "unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    source, running = folder / f"{stem}.source.ipynb", folder / f"{stem}.ipynb"
    notebook = jupytext.read(ROOT / "notebooks" / f"{stem}.py")
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python"
    }  # fmt: skip
    jupytext.write(notebook, source)
    for name in values:
        choose(f"parameter of {stem}", name, papermill.inspect_notebook(str(source)))
    logging.getLogger("papermill").setLevel(logging.ERROR)
    started = time.monotonic()
    try:
        papermill.execute_notebook(
            str(source), str(running), values, cwd=str(ROOT), progress_bar=False
        )
    except PapermillExecutionError as error:
        raise InputError(
            f"notebook {stem} failed in cell {error.exec_count} ({error.ename}: {error.evalue}); "
            f"the copy up to there is {running}."
        ) from None
    _write_stable(running, out)
    told = {"preset": preset, "seconds": round(time.monotonic() - started, 1)}
    write_whole(out.with_suffix(".json"), json.dumps(told) + "\n")
    running.unlink()
    source.unlink()


def _write_stable(running: Path, out: Path) -> None:
    """Move the executed notebook to its place without papermill's times, paths and random ids."""
    notebook = json.loads(running.read_text(encoding="utf-8"))
    notebook["metadata"].pop("papermill", None)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"{out.stem[:2]}-{number:03d}"
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
    write_whole(out, json.dumps(notebook, indent=1))
