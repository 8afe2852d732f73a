"""Execute one notebook: from py:percent through jupytext and papermill to an executed copy."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from isoae_lib.book import captions, copies, tied
from isoae_lib.book.surroundings import CACHE
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT, write_whole, writing
from isoae_lib.paper import sections

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager


def execute(stem: str, preset: str, out: Path, parameters: dict[str, Any] | None = None) -> None:
    """Execute a notebook at a preset and write the executed copy to `out`, whole or not at all.

    One process at a time executes a notebook; others wait for it. A second file, `STEM.json`, says
    how the copy was made. So the copy has nothing that changes from one execution to the next.

    Raises
    ------
    InputError
        If the notebook, the preset or a parameter is unknown; if `out` is among the pages of the
        book, and the copy is not one of them; if a cell fails (the message names the partly
        executed copy); if the kernel dies.
    """
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    import jupytext
    import papermill
    from papermill.exceptions import PapermillExecutionError

    choose("notebook", stem, sections.NOTEBOOKS)
    choose("preset", preset, sections.PRESETS)
    parameters = parameters or {}
    for name in parameters:
        choose(f"parameter of {stem}", name, copies.defaults(stem))
    out = out.absolute()
    copies.check_target(out, stem, preset, parameters)
    folder = copies.folder(preset).with_name("unfinished")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        alone = FileLock(folder.parent / f".{stem}.lock").acquire()
    notebook = jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent")
    captions.apply(notebook.cells, stem)
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python"
    }  # fmt: skip
    source, running = Path(f"{stem}.source.ipynb"), Path(f"{stem}.ipynb")
    logging.getLogger("papermill").setLevel(logging.ERROR)
    started = time.monotonic()
    # Papermill reads the braces of a long path as parameters. A socket's path has about 100
    # characters at most, so its folder is a temporary one.
    with alone, chdir(folder), TemporaryDirectory(prefix="isoae-") as sockets:
        jupytext.write(notebook, source)
        try:
            papermill.execute_notebook(
                source, running, {"preset": preset, **parameters}, cwd=ROOT, progress_bar=False,
                kernel_manager_class=_kernel(sockets),
            )  # fmt: skip
        except PapermillExecutionError as error:
            raise InputError(
                f"notebook {stem} failed in cell {error.exec_count} ({error.ename}: "
                f"{error.evalue}); the copy up to there is {folder / running}."
            ) from None
        except RuntimeError as error:  # DeadKernelError, once it has answered
            raise InputError(
                f"the kernel of notebook {stem} ended, perhaps for lack of memory: {error}."
            ) from None
        _write_stable(running, out)
        copies.sign(out, preset, parameters, time.monotonic() - started)
        running.unlink()
        source.unlink()


def _kernel(sockets: str) -> type[AsyncKernelManager]:
    """Return a manager of this environment's own kernel, not of another one called `python3`.

    The two talk through files in a folder: of network ports, several builds could take the same.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    spec = KernelSpec(
        argv=tied.command(
            "ipykernel.kernelapp:launch_new_instance",
            "-f",
            "{connection_file}",
            "--log-level=ERROR",  # it warns of every connection that is not encrypted
        ),
        env={"MPLBACKEND": "module://matplotlib_inline.backend_inline"},  # figures go to the page
        display_name="Python 3",
        language="python",
    )
    talk = {"transport": "ipc", "ip": f"{sockets}/kernel"}
    return type("Kernel", (AsyncKernelManager,), {"kernel_spec": spec, **talk})


def _write_stable(running: Path, out: Path) -> None:
    """Write the executed notebook to `out` without papermill's times, paths and random ids.

    Pages leave out the cells of parameters. What is printed in a row is one output, however the
    kernel cut it into pieces.
    """
    notebook = json.loads(running.read_text(encoding="utf-8"))
    captions.check(notebook["cells"], out.stem)
    notebook["metadata"].pop("papermill", None)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"{out.stem[:2]}-{number:03d}"
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
        if {"parameters", "injected-parameters"} & set(cell["metadata"].get("tags", ())):
            cell["metadata"]["tags"].append("remove-cell")
        if "outputs" in cell:
            cell["outputs"] = _joined(cell["outputs"])
    write_whole(out, json.dumps(notebook, indent=1))


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return outputs in their order, with neighbours on the same stream joined to one."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        if joined and output.get("name") and output.get("name") == joined[-1].get("name"):
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined
