"""One fit: data and a spec in, a trained autoencoder out; it resumes where it stopped."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoae_lib.core import checkpoints
from isoae_lib.core.architectures import untrained
from isoae_lib.core.arrays import digest
from isoae_lib.core.early_stopping import EarlyStopping
from isoae_lib.core.networks import SINGLE, Autoencoder, lay_out
from isoae_lib.core.spec import Spec
from isoae_lib.core.step import Stepper
from isoae_lib.errors import InputError, Unfinished

WARM_UP = 100  # steps; Adam's first steps are otherwise too bold for the slope of SoftPlus
DECAY = 0.3  # the last part of training, in which the learning rate falls to zero
EASE = 0.5  # the first part of training, in which the regularizer's weight grows
REPORTS = 50  # rows of the history
READ_BACK = 25  # steps after which the losses are read: on a GPU, reading waits for it
CHECKPOINT_SECONDS = 30.0  # between checkpoints, which take a twentieth of a second
Progress = Callable[[int, dict[str, float]], None]
Stop = Callable[[], bool]


@dataclass
class Fit:
    """What a fit leaves behind.

    Attributes
    ----------
    model : Autoencoder
        In evaluation mode, on the CPU.
    status : str
        "finished", or "diverged" when a loss left the finite range.
    history : list of dict
        Step and loss terms at about `REPORTS` moments, and the last finite ones before divergence.
    seconds : float
        Wall-clock time of the steps, over all sessions; of a stack, its share.
    engine : str
        How its steps were taken: `Stepper.kind`.
    diverged_at : int, optional
        The step whose loss was the first NaN or infinity.
    epoch : int, optional
        Whose weights these are, where validation chose them.
    """

    model: Autoencoder
    status: str = "finished"
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    engine: str = "eager"
    diverged_at: int | None = None
    epoch: int | None = None


def device_of(name: str) -> torch.device:
    """Return the torch device called `name`.

    Raises
    ------
    InputError
        If this machine does not have it.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        known = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise InputError(f"device '{name}' is not on this machine; it has: {known}.") from None
    return device


def hardware(device: str) -> str:
    """Return what a run is trained on, as its record says it."""
    if device.startswith("cuda"):
        return f"{device}, {torch.cuda.get_device_name(device)}"
    return f"{device}, {platform.machine()}, {torch.get_num_threads()} threads"


def on_device(points: NDArray, place: torch.device) -> Tensor:
    """Return points (n, D) as a tensor: images stay bytes, everything else is single precision."""
    kind = torch.uint8 if points.dtype == np.uint8 else SINGLE
    return torch.tensor(points, dtype=kind, device=place)


def rate_at(step: int, spec: Spec) -> float:
    """Learning rate of a step: a warm-up, then constant, then in a line down to zero."""
    if spec.schedule != "eased":
        return spec.rate
    done = step / spec.steps
    warm_up = min(WARM_UP, spec.steps // 10)
    return spec.rate * min(1.0, (step + 1) / (warm_up + 1), (1 - done) / DECAY)


def ease_at(step: int, spec: Spec) -> float:
    """Fraction of its weight that the regularizer has at a step: it grows over the first `EASE`.

    An autoencoder held to an isometry from the start cannot unfold: it would have to stretch on
    the way. First the data are unfolded, then the map is flattened (decision B).
    """
    if spec.schedule != "eased":
        return 1.0
    done = min(1.0, step / (EASE * spec.steps))
    return 10 ** (spec.decades * (done - 1)) if spec.decades else done


@torch.inference_mode(False)  # whatever the caller's mode is, training needs gradients
def fits(
    specs: Sequence[Spec],
    data: Sequence[NDArray],
    held_out: NDArray | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    stop: Stop = lambda: False,
    code: str = "",
) -> list[Fit]:
    """Train autoencoders of one shape at once, by minimising their objectives with Adam.

    Parameters
    ----------
    specs : sequence of Spec
        Equal but for seeds and weights. One alone, with its data, decides its result, on one kind
        of machine, to the last bit; in a stack the result is the same up to rounding.
    data : sequence of array (n, D)
        What each learns: images as bytes, everything else as numbers.
    held_out : array (m, D), optional
        What chooses the epoch where the specs ask for validation.
    device : str
        Where the data and the networks live: "cpu" or "cuda".
    progress : callable, optional
        Called with the step and the first run's loss terms: at the start, and about `REPORTS`
        times.
    checkpoint : Path, optional
        Where to keep the state while training, and to go on from if it is there.
    stop : callable
        Asked after every step; when it says yes, a checkpoint is written and the fit ends.
    code : str
        Names the code that trains; a checkpoint of other code is not used.

    Raises
    ------
    InputError
        If the device is not there, the memory too small or the checkpoint cannot be written.
    Unfinished
        If `stop` said so.
    """
    place = device_of(device)
    seen = " ".join(f"{spec.key} {digest(x)}" for spec, x in zip(specs, data, strict=True))
    identity = f"{seen} {code} {place.type}"
    try:
        models = [untrained(spec, x) for spec, x in zip(specs, data, strict=True)]
        stepper = Stepper(models, [on_device(x, place) for x in data], specs)
        results = [Fit(model, engine=stepper.kind) for model in stepper.models]
        watch = _validation(specs[0], len(data[0]), held_out, place)
        _run(stepper, results, watch, progress, checkpoint, stop, identity)
    except (MemoryError, RuntimeError) as error:
        if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
            raise
        raise InputError(
            f"{device} has too little memory for {specs[0].batch} points a step and networks of "
            f"width {specs[0].width}: try a smaller batch."
        ) from None
    for result, model in zip(results, stepper.unstack(), strict=True):
        result.model = lay_out(model, "cpu", torch.contiguous_format).eval()
    if watch and watch.weights:
        results[0].model.load_state_dict(watch.weights)
        results[0].epoch = watch.epoch
    return results


def _validation(
    spec: Spec, points: int, held_out: NDArray | None, place: torch.device
) -> EarlyStopping | None:
    if not spec.validation or held_out is None:
        return None
    return EarlyStopping(on_device(held_out, place), -(-points // spec.batch))


def _run(
    stepper: Stepper,
    results: list[Fit],
    watch: EarlyStopping | None,
    progress: Progress | None,
    checkpoint: Path | None,
    stop: Stop,
    identity: str,
) -> None:
    """Take the steps that are left; read losses back and write checkpoints now and then."""
    spec = stepper.spec
    first, last = _resume(stepper, results, watch, checkpoint, identity)
    before, began = results[0].seconds, time.perf_counter()
    unread: list[Tensor] = []
    saved = began
    if progress:
        progress(first, last[0])
    for step in range(first, spec.steps):
        rate = rate_at(step, spec) * (watch.factor if watch else 1)
        unread.append(stepper.step(rate, ease_at(step, spec)))
        if watch:
            watch.look(stepper.models[0], spec, step)
        report, halt = _is_report(step, spec.steps), stop()
        now = time.perf_counter()
        due = checkpoint is not None and (halt or now - saved > CHECKPOINT_SECONDS)
        if not (report or due or halt or len(unread) == READ_BACK):
            continue
        _read_back(unread, stepper.names, step + 1, results, last)
        unread.clear()
        for result, row in zip(results, last, strict=True):
            result.seconds = before + (now - began) / len(results)
            if report and result.status != "diverged":
                result.history.append(row)
        if all(result.status == "diverged" for result in results):
            return
        if report and progress:
            progress(step + 1, last[0])
        if step + 1 == spec.steps:
            return
        if due and checkpoint is not None:
            told = {"identity": identity, "step": step + 1, "last": last,
                    "fits": [_without_model(result) for result in results]}  # fmt: skip
            best, told["validation"] = watch.state() if watch else ({}, None)
            checkpoints.save(checkpoint, stepper.state() | best, told)
            saved = time.perf_counter()
        if halt:
            raise Unfinished(
                f"stopped at step {step + 1} of {spec.steps}; the same command goes on."
            )


def _without_model(result: Fit) -> dict[str, Any]:
    return {name: value for name, value in vars(result).items() if name != "model"}


def _resume(
    stepper: Stepper,
    results: list[Fit],
    watch: EarlyStopping | None,
    checkpoint: Path | None,
    identity: str,
) -> tuple[int, list[dict[str, float]]]:
    """Put stepper and results where the checkpoint left them; return the next step, and losses."""
    found = checkpoints.load(checkpoint, identity) if checkpoint else None
    if found is None:
        return 0, [{} for _ in results]
    tensors, told = found
    stepper.restore(tensors)
    if watch:
        watch.restore(tensors, told["validation"])
    for result, kept in zip(results, told["fits"], strict=True):
        vars(result).update(kept)
    return told["step"], told["last"]


def _read_back(
    unread: list[Tensor],
    names: tuple[str, ...],
    done: int,
    results: list[Fit],
    last: list[dict[str, float]],
) -> None:
    """Read the loss terms of the last steps from the device, all at once; note who diverged."""
    for step, rows in enumerate(torch.stack(unread).tolist(), done - len(unread) + 1):
        for k, (result, values) in enumerate(zip(results, rows, strict=True)):
            if result.status == "diverged":
                continue
            if all(map(math.isfinite, values)):
                last[k] = {"step": float(step)} | dict(zip(names, values, strict=True))
            else:
                result.status, result.diverged_at = "diverged", step
                result.history += [last[k]] if last[k] and last[k] not in result.history else []


def _is_report(step: int, steps: int) -> bool:
    """About `REPORTS` steps, evenly spread, the last among them."""
    return (step + 1) % max(1, steps // REPORTS) == 0 or step + 1 == steps
