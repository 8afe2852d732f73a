"""One fit: data and a spec in, a trained autoencoder out; it resumes where it stopped."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoae_lib.core import checkpoints
from isoae_lib.core.architectures import untrained
from isoae_lib.core.arrays import digest
from isoae_lib.core.early_stopping import EarlyStopping
from isoae_lib.core.networks import SINGLE, Autoencoder
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
        "finished", or "diverged" if a loss became NaN or infinite.
    history : list of dict
        Step and loss terms at about `REPORTS` moments, and the last finite ones before divergence.
    last : dict
        The step and loss terms that were read last and are finite.
    seconds : float
        Wall-clock time of the steps, over all sessions; of a stack, its share.
    engine : str
        How the steps were taken: `Stepper.engine`.
    diverged_at : int, optional
        The step whose loss was the first NaN or infinity.
    epoch : int, optional
        The epoch whose weights these are, where early stopping chose it.
    """

    model: Autoencoder
    status: str = "finished"
    history: list[dict[str, float]] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
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
    """Return the name of the hardware behind a device, for a run's record."""
    if device.startswith("cuda"):
        return f"{device}, {torch.cuda.get_device_name(device)}"
    return f"{device}, {platform.machine()}, {torch.get_num_threads()} threads"


def on_device(points: NDArray, device: torch.device) -> Tensor:
    """Return points (n, D) as a tensor: images stay bytes, everything else is single precision."""
    kind = torch.uint8 if points.dtype == np.uint8 else SINGLE
    return torch.tensor(points, dtype=kind, device=device)


def rate_at(step: int, spec: Spec) -> float:
    """Return the learning rate of a step: it rises, stays constant, then falls linearly to zero.

    Examples
    --------
    >>> spec = Spec(method="I-AE", steps=1000, rate=0.001)
    >>> [round(rate_at(step, spec), 6) for step in (0, 100, 500, 850, 999)]
    [1e-05, 0.001, 0.001, 0.0005, 3e-06]
    """
    if spec.schedule != "eased":
        return spec.rate
    done = step / spec.steps
    warm_up = min(WARM_UP, spec.steps // 10)
    return spec.rate * min(1.0, (step + 1) / (warm_up + 1), (1 - done) / DECAY)


def ease_at(step: int, spec: Spec) -> float:
    """Return the fraction of its weight that the regularizer has at a step.

    It grows over the first `EASE` of training. An autoencoder that must be an isometry from the
    start cannot unfold: it would have to stretch on the way. So the data are unfolded first, then
    the map is flattened (decision B).

    Examples
    --------
    >>> [ease_at(step, Spec(method="I-AE", steps=1000)) for step in (0, 250, 500, 999)]
    [0.0, 0.5, 1.0, 1.0]
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
        Equal except for seeds and weights. A single spec with its data decides the result to the
        last bit on one kind of machine; in a stack of several the result is the same up to
        rounding.
    data : sequence of array (n, D)
        What each learns: images as bytes, everything else as numbers.
    held_out : array (m, D), optional
        The data that choose the best epoch, if the specs ask for validation.
    device : str
        Where the data and the networks live: "cpu" or "cuda".
    progress : callable, optional
        Called with the step and the first run's loss terms: at the start, and about `REPORTS`
        times.
    checkpoint : Path, optional
        File that keeps the state while training; if it exists, training resumes from it.
    stop : callable
        Called after every step; if it returns true, a checkpoint is written and the fit ends.
    code : str
        Names the code that trains; a checkpoint of other code is not used.

    Raises
    ------
    InputError
        If the device is not there, the memory too small or the checkpoint cannot be written; if a
        step takes the whole data and `batch` is not their number.
    Unfinished
        If `stop` returned true.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(10, 3))
    >>> [fit] = fits([Spec(method="I-AE", steps=5, width=8, depth=1)], [points])
    >>> fit.status, list(fit.history[-1])
    ('finished', ['step', 'L_rec', 'L_iso', 'L_piso'])
    >>> fit.model.encoder(torch.tensor(points, dtype=torch.float32)).shape
    torch.Size([10, 2])
    """
    target = device_of(device)
    for spec, x in zip(specs, data, strict=True):
        if spec.batches == "whole" and spec.batch != len(x):
            raise InputError(
                f"batches 'whole' takes all points in every step: set batch to {len(x)}, "
                f"it is {spec.batch}."
            )
    identity = " ".join(f"{spec.key} {digest(x)}" for spec, x in zip(specs, data, strict=True))
    identity += f" {code} {target.type}"
    try:
        models = [untrained(spec, x) for spec, x in zip(specs, data, strict=True)]
        stepper = Stepper(models, [on_device(x, target) for x in data], specs)
        unseen = held_out if specs[0].validation else None
        images = None if unseen is None else on_device(unseen, target)
        stopping = EarlyStopping(images, steps=-(-len(data[0]) // specs[0].batch))
        return take_steps(stepper, stopping, progress, checkpoint, stop, identity)
    except (MemoryError, RuntimeError) as error:
        if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
            raise
        raise InputError(
            f"{device} has too little memory for {specs[0].batch} points per step and networks of "
            f"width {specs[0].width}: try a smaller batch."
        ) from None


def take_steps(
    stepper: Stepper,
    stopping: EarlyStopping,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    stop: Stop = lambda: False,
    identity: str = "",
) -> list[Fit]:
    """Take all steps of a stepper, whatever its networks are and wherever its points come from.

    Parameters
    ----------
    stopping : EarlyStopping
        What it keeps becomes the first fit's weights; where it is finished, training ends.
    identity : str
        Says whose state a checkpoint holds; that of another fit is not used.
    progress, checkpoint, stop
        As in `fits`, with its errors.
    """
    results = [Fit(model, engine=stepper.engine) for model in stepper.models]
    _train(_Session(stepper, results, stopping, checkpoint, identity), progress, stop)
    for result, model in zip(results, stepper.unstack(), strict=True):
        result.model = model.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    if stopping.weights:
        results[0].model.load_state_dict(stopping.weights)
        results[0].epoch = stopping.epoch
    return results


@dataclass
class _Session:
    """All that changes while a fit is trained, and where it is kept."""

    stepper: Stepper
    results: list[Fit]
    stopping: EarlyStopping
    checkpoint: Path | None
    identity: str

    def resume(self) -> int:
        """Go back to the state of the checkpoint, if there is one; return the next step."""
        found = checkpoints.load(self.checkpoint, self.identity) if self.checkpoint else None
        if found is None:
            return 0
        tensors, values = found
        self.stepper.restore(tensors)
        self.stopping.restore(tensors, values["validation"])
        for result, kept in zip(self.results, values["fits"], strict=True):
            vars(result).update(kept)
        return values["step"]

    def save(self, done: int) -> None:
        """Write the state after `done` steps, and the results so far, if there is a place."""
        if self.checkpoint is None:
            return
        best, validation = self.stopping.state()
        fits = [{k: v for k, v in vars(fit).items() if k != "model"} for fit in self.results]
        values = {"identity": self.identity, "step": done, "fits": fits, "validation": validation}
        checkpoints.save(self.checkpoint, self.stepper.state() | best, values)

    def read_back(self, unread: list[Tensor], done: int) -> None:
        """Read the loss terms of the last steps, all at once; note which fits diverged."""
        for step, terms in enumerate(torch.stack(unread).tolist(), done - len(unread) + 1):
            for fit, values in zip(self.results, terms, strict=True):
                if fit.status == "diverged":
                    continue
                if all(map(math.isfinite, values)):
                    fit.last = {"step": float(step)} | dict(zip(self.stepper.names, values))
                    continue
                fit.status, fit.diverged_at = "diverged", step
                if fit.last and fit.last not in fit.history:
                    fit.history.append(fit.last)


def _train(session: _Session, progress: Progress | None, stop: Stop) -> None:
    """Take the steps that are left; read losses back and write checkpoints now and then."""
    stepper, spec, fits = session.stepper, session.stepper.spec, session.results
    first = session.resume()
    before, began = fits[0].seconds, time.perf_counter()
    unread: list[Tensor] = []
    saved = began
    if progress:
        progress(first, fits[0].last)
    for step in range(first, spec.steps):
        done, rate = step + 1, session.stopping.factor * rate_at(step, spec)
        unread.append(stepper.step(rate, ease_at(step, spec)))
        session.stopping.after_step(stepper.models[0], spec, step)
        last = done == spec.steps or session.stopping.finished
        report = done % max(1, spec.steps // REPORTS) == 0 or last
        halt, now = stop(), time.perf_counter()
        due = halt or (session.checkpoint is not None and now - saved > CHECKPOINT_SECONDS)
        if not (report or due or len(unread) == READ_BACK):
            continue
        session.read_back(unread, done)
        unread.clear()
        for fit in fits:
            fit.seconds = before + (now - began) / len(fits)
            if report and fit.status != "diverged":
                fit.history.append(fit.last)
        if all(fit.status == "diverged" for fit in fits):
            return
        if report and progress:
            progress(done, fits[0].last)
        if last:
            return
        if due:
            session.save(done)
            saved = time.perf_counter()
        if halt:
            raise Unfinished(f"stopped at step {done} of {spec.steps}; the same command goes on.")
