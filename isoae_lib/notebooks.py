"""Execute one notebook: from py:percent through jupytext and papermill to an executed copy."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from isoae_lib import copies, paper
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT, write_whole


def execute(stem: str, preset: str, out: Path, parameters: dict[str, Any] | None = None) -> None:
    """Execute a notebook at a preset and write the executed copy to `out`, whole or not at all.

    How it was made goes to a side file `STEM.json`, so that the copy holds nothing that changes
    from one execution to the next.

    Raises
    ------
    InputError
        For an unknown notebook, preset or parameter; for a place among the book's pages that the
        copy must not have; and when a cell fails, naming the partly executed copy.
    """
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    import jupytext
    import papermill
    from papermill.exceptions import PapermillExecutionError

    choose("notebook", stem, paper.NOTEBOOKS)
    choose("preset", preset, paper.PRESETS)
    parameters = parameters or {}
    for name in parameters:
        choose(f"parameter of {stem}", name, copies.defaults(stem))
    copies.check_place(out, stem, preset, parameters)
    folder = copies.folder(preset).with_name("unfinished")
    folder.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    source, running = folder / f"{out.stem}.source.ipynb", folder / f"{out.stem}.ipynb"
    notebook = jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent")
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python"
    }  # fmt: skip
    jupytext.write(notebook, source)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    started = time.monotonic()
    try:
        papermill.execute_notebook(
            str(source), str(running), {"preset": preset, **parameters}, cwd=str(ROOT),
            progress_bar=False,
        )  # fmt: skip
    except PapermillExecutionError as error:
        raise InputError(
            f"notebook {stem} failed in cell {error.exec_count} ({error.ename}: {error.evalue}); "
            f"the copy up to there is {running}."
        ) from None
    _write_stable(running, out)
    copies.sign(out, preset, parameters, time.monotonic() - started)
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
