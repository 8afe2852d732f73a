"""How long a training step takes: ours, the double-backward reference, JAX, the matrix products.

`python benchmarks/train_step.py --json FILE` times every step in turn, round after round, so that
noise hits all alike. Whether a processor flushes subnormal numbers is a property of its threads,
so the reference as PyTorch comes runs in a process of its own, and takes turns with the other.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import typer

CASES = (("3-256x5-2", 1000), ("FC-NN", 128), ("S-CNN", 128))
DEFAULT = ("reference_default",)
FLUSHED = ("ours_ae", "ours_iae", "ours_iae_float32", "reference_flushed", "jax", "floor")
STEPS_BEFORE = 20  # untimed; subnormal numbers appear within a few steps


def work(pipe: Any, network: str, batch: int, device: str, names: tuple[str, ...]) -> None:
    """Build steps in a process of their own; then time one whenever its name is asked for."""
    os.environ["KMP_BLOCKTIME"] = "0"  # a waiting process must not spin
    import steps
    import torch

    from isoae_lib.core.training import hardware

    steps.NETWORKS[network](2)  # trains first, if at all, while subnormal numbers are flushed
    torch.set_flush_denormal(names == FLUSHED)  # the library does, and threads started later follow
    make = {
        "ours_ae": lambda: steps.ours(network, batch, "AE", device=device),
        "ours_iae": lambda: steps.ours(network, batch, "I-AE", device=device),
        "ours_iae_float32": lambda: (
            steps.ours(network, batch, "I-AE", coarse=False) if device == "cpu" else None
        ),
        "reference_default": lambda: steps.double_backward(network, batch, device=device),
        "reference_flushed": lambda: steps.double_backward(network, batch, device=device),
        "jax": lambda: steps.jitted(network, batch) if device == "cpu" else None,
        "floor": lambda: steps.floor(network, batch) if device == "cpu" else None,
    }
    ready = {name: step for name in names if (step := make[name]()) is not None}
    for step in ready.values():
        for _ in range(STEPS_BEFORE):
            step()
    about = {
        "device": hardware(device), "processor": processor(),
        "torch": str(torch.__version__), "steps_before": steps.behind(network),
    }  # fmt: skip
    pipe.send((list(ready), about))
    while name := pipe.recv():
        began = time.perf_counter()
        ready[name]()
        if device != "cpu":
            torch.cuda.synchronize()
        pipe.send(1e3 * (time.perf_counter() - began))


def measure(network: str, batch: int, device: str, rounds: int) -> dict[str, Any]:
    """Return one object of the file: medians in milliseconds, their spread, and the machine."""
    context = mp.get_context("spawn")
    pipes: dict[str, Any] = {}
    children = []
    for names in (FLUSHED, DEFAULT):
        ours, theirs = context.Pipe()
        child = context.Process(target=work, args=(theirs, network, batch, device, names))
        child.start()
        children.append((child, ours))
        found, about = ours.recv()
        pipes |= dict.fromkeys(found, ours)
    times: dict[str, list[float]] = {name: [] for name in pipes}
    for _ in range(rounds):
        for name, pipe in pipes.items():
            pipe.send(name)
            times[name].append(pipe.recv())
    for child, pipe in children:
        pipe.send(None)
        child.join()
    row: dict[str, Any] = {"network": network, "batch": batch}
    for name in (*FLUSHED, *DEFAULT):
        taken = times.get(name)
        row[f"{name}_ms"] = round(statistics.median(taken), 3) if taken else None
        if taken:
            low, _, high = statistics.quantiles(taken, n=4)
            row[f"{name}_quartiles_ms"] = [round(low, 3), round(high, 3)]
    return row | about | {"rounds": rounds}


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()


def main(
    json_file: Annotated[Path, typer.Option("--json", help="where the numbers go")],
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    rounds: Annotated[int, typer.Option(help="times that each step is timed")] = 40,
) -> None:
    """Time the training steps of three networks and write the numbers."""
    rows = []
    for network, batch in CASES:
        rows.append(row := measure(network, batch, device, rounds))
        print("  ".join(f"{k} {v}" for k, v in row.items() if not k.endswith("quartiles_ms")))
    json_file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
