"""Checkpoints of a training run: written to the side, sealed, and the one before kept."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from isoae_lib import files

log = logging.getLogger(__name__)


def save(place: Path, tensors: dict[str, Tensor], told: dict[str, Any]) -> None:
    """Write a checkpoint; whatever happens meanwhile, a whole one stays.

    Parameters
    ----------
    place : Path
        The file; the checkpoint before it is kept with the suffix `.before`.
    tensors : dict
        What `Stepper.state` returns.
    told : dict
        What else belongs to the state, as JSON.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written to.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(told)
    content = safetensors.torch.save(tensors, {"told": text, "seal": _seal(tensors, text)})
    with files.writing(f"the checkpoint {place}"):
        aside = files.write_aside(place, content)
        if place.exists():
            place.replace(_before(place))
        aside.replace(place)
        files.flush(place.parent)


def load(place: Path, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the newest whole checkpoint of the run `identity`, or None.

    A damaged one is told, and the one before it is used.
    """
    for file in (place, _before(place)):
        if not file.exists():
            continue
        try:
            tensors, told = _read(file)
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            log.warning("the checkpoint %s is damaged (%s): using the one before.", file, error)
            continue
        if told["identity"] == identity:
            return tensors, told
    return None


def clear(place: Path) -> None:
    """Delete a run's checkpoints, once its record is written."""
    for file in (place, _before(place), *files.asides(place)):
        file.unlink(missing_ok=True)


def _before(place: Path) -> Path:
    return place.with_name(place.name + ".before")


def _read(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safetensors.safe_open(file, framework="pt") as content:
        metadata = content.metadata() or {}
        tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    if _seal(tensors, metadata["told"]) != metadata["seal"]:
        raise ValueError("its checksum differs")
    return tensors, json.loads(metadata["told"])


def _seal(tensors: dict[str, Tensor], text: str) -> str:
    """Return a checksum over names, values and text."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
