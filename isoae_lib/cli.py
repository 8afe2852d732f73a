"""The command `isoae`: book, notebook, train, runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from isoae_lib import paper
from isoae_lib.errors import InputError
from isoae_lib.specs import change

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Preset = Annotated[str, typer.Option(help=f"scale: {', '.join(paper.PRESETS)}")]


@app.callback()
def isoae() -> None:
    """A reproduction of the paper "Isometric Autoencoders"."""


@app.command()
def train(
    names: Annotated[list[str], typer.Argument(help="section/data/method, like 3d/s-shape/I-AE")],
    preset: Preset = "laptop",
    seed: Annotated[int, typer.Option(help="decides points, weights and batches")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    store: Annotated[Path | None, typer.Option(help="folder of the records")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change the spec")
    ] = None,
) -> None:
    """Train runs, or find them in the store; the last line printed is the last record's folder."""
    specs = {name: change(paper.spec(name, preset, seed), set_ or []) for name in names}
    import torch  # heavy, and not needed to refuse a misspelt name

    from isoae_lib import runs

    torch.set_num_threads(1)  # independent runs on the cores beat one run on all of them
    for name, spec in specs.items():
        run = runs.get(
            spec, preset if not set_ else "custom", store, device, _progress(name, spec.steps)
        )
        print(f"done {name}", file=sys.stderr, flush=True)
        print(run.folder, flush=True)


def _progress(name: str, steps: int) -> Callable[[int, dict[str, float]], None]:
    """Return what prints a run's progress: step, time spent and left, losses, tab-separated."""
    started = time.monotonic()

    def tell(step: int, row: dict[str, float]) -> None:
        spent = time.monotonic() - started
        left = spent * (steps - step) / step
        terms = "\t".join(f"{key} {value:.3g}" for key, value in row.items() if key != "step")
        head = f"{name}\t{step}/{steps}\t{spent:.0f} s\tleft {left:.0f} s"
        print(f"{head}\t{terms}", file=sys.stderr, flush=True)

    return tell


@app.command()
def notebook(
    stem: Annotated[str, typer.Argument(help=f"one of {', '.join(paper.NOTEBOOKS)}")],
    preset: Preset = "laptop",
    out: Annotated[Path | None, typer.Option(help="the executed copy")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a parameter")
    ] = None,
) -> None:
    """Execute one notebook with papermill."""
    from isoae_lib import notebooks

    target = out or Path("build") / preset / "executed" / f"{stem}.ipynb"
    notebooks.execute(stem, preset, target, notebooks.parse_parameters(set_ or []))


@app.command()
def book(
    preset: Preset = "laptop",
    jobs: Annotated[int, typer.Option(help="processes side by side; 0: one a core")] = 0,
    target: Annotated[str, typer.Option(help="book, or notebooks to leave out the html")] = "book",
) -> None:
    """Train what is missing, execute the notebooks and build the book."""
    from isoae_lib import workflow

    workflow.build(preset, jobs, target)


@app.command()
def site(preset: Preset = "laptop") -> None:
    """Build the html from notebooks that are executed already."""
    from isoae_lib import site

    site.build(preset)


@app.command()
def runs() -> None:
    """List the records in the store: key, name, preset, status, seconds."""
    from isoae_lib import runs

    for file in sorted(runs.store_path().glob("*/run.json")):
        print(runs.read(file.parent))


def main() -> None:
    """Run the command line; bad input ends in one sentence and exit status 2."""
    try:
        app()
    except InputError as error:
        print(f"isoae: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
