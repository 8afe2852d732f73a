"""The command `isoae queue`: what would raise the evidence, and training it where time is free."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isoae_lib import progress
from isoae_lib.errors import Status, Unfinished
from isoae_lib.files import project

if TYPE_CHECKING:
    from isoae_lib.paper.queue import Row

app = typer.Typer(
    invoke_without_command=True, help="What would raise the evidence, the best first."
)
Device = Annotated[str, typer.Option(help="cpu or cuda")]
Store = Annotated[Path | None, typer.Option(help="folder of the records")]


@app.callback()
def show(context: typer.Context, device: Device = "cpu", store: Store = None) -> None:
    """Show what is left of the queue, with its cost on this device."""
    project()
    if context.invoked_subcommand:
        return
    import torch

    from isoae_lib.paper import queue

    torch.set_num_threads(1)
    left = queue.rows(store, device=device)
    print(f"{'runs':>5s}{'hours':>10s}  claims  open  set of runs")
    for row, seconds in zip(left, queue.costs(left, device), strict=True):
        count = len(row.left) + len(row.waiting)
        hours = "" if seconds is None else f"{seconds / 3600:.2f}"
        claims = f"{len(row.claims):6d}{len(row.open_claims):6d}"
        print(f"{count:5d}{hours:>10s}  {claims}  {row.entry.name}{_remarks(row)}")


def _remarks(row: Row) -> str:
    """Say what a set of runs replaces, what it may decide, what it waits for and what it lacks."""
    remarks = [f"replaces: {row.entry.replaces}"]
    if row.open_claims:
        remarks.append(f"open claims: {', '.join(row.open_claims)}")
    if row.waiting:
        remarks.append(f"{len(row.waiting)} of them come after: {row.entry.after}")
    if row.missing:
        remarks.append(f"needs: isoae data fetch {row.missing}")
    return "".join(f"\n{'':31s}{remark}" for remark in remarks)


@app.command()
def run(
    budget: Annotated[
        str, typer.Option(help="stop at a checkpoint after this time, like 8m or 1h30m")
    ] = "",
    device: Device = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="folder for parcels: what `isoae queue merge` takes")
    ] = None,
    store: Store = None,
) -> None:
    """Train what fits, the best first, going on with what was begun; print finished runs.

    On a CPU it works at low priority, one run at a time. Start it once per core.
    """
    seconds = progress.seconds_of(budget) if budget else float("inf")
    stop = progress.stopper(seconds)
    import torch

    from isoae_lib.paper import parcels, queue, runs

    if not device.startswith("cuda"):
        os.nice(10)
    torch.set_num_threads(1)
    store = store or runs.store_path()
    try:
        for finished in queue.run(device, seconds, store, stop, progress.shown):
            for name, spec in finished:
                print(f"done {name}, seed {spec.seed}: {store / spec.key}", flush=True)
            if out:
                parcels.send(queue.specs(store), store, out)
    except Unfinished as reason:
        print(f"isoae: {reason}", file=sys.stderr)
    if out:
        for name in parcels.send(queue.specs(store), store, out):
            print(f"isoae: no room for {name} in {out}.", file=sys.stderr)


@app.command()
def merge(
    folder: Annotated[Path, typer.Argument(help="what `isoae queue run --out` wrote")],
    store: Store = None,
) -> None:
    """Put what was trained elsewhere into the store, checked; exit status 1 if some is refused."""
    from isoae_lib.paper import parcels, runs

    refused = False
    for name, answer in parcels.merge(folder, store or runs.store_path()):
        print(f"{name}  {answer}", flush=True)
        refused |= answer.startswith(parcels.REFUSED)
    if refused:
        raise typer.Exit(Status.DAMAGED)
