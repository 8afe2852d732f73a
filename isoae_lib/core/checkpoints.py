"""Checkpoints of a training run: whole or absent, with a checksum; the last two are kept."""

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


def save(file: Path, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Write a checkpoint. If writing is interrupted, the checkpoint before it is still whole.

    Parameters
    ----------
    file : Path
        Where it goes; the checkpoint before it is kept with the suffix `.before`.
    tensors : dict
        What `Stepper.state` returns.
    values : dict
        What else belongs to the state, as JSON; its "identity" says whose state it is.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written to.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(values)
    metadata = {"values": text, "checksum": _checksum(tensors, text)}
    content = safetensors.torch.save(tensors, metadata)
    with files.writing(f"the checkpoint {file}"):
        aside = files.write_aside(file, content)
        if file.exists():
            file.replace(_before(file))
        aside.replace(file)
        files.flush(file.parent)


def load(file: Path, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the newest whole checkpoint of the run `identity`, or None.

    A damaged checkpoint is logged and the one before it is used.
    """
    for candidate in filter(Path.exists, (file, _before(file))):
        try:
            tensors, values = _read(candidate)
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            log.warning(
                "the checkpoint %s is damaged (%s): using the one before.", candidate, error
            )
            continue
        if values["identity"] == identity:
            return tensors, values
    return None


def clear(file: Path) -> None:
    """Delete a run's checkpoints, once its record is written."""
    for written in (file, _before(file), *files.asides(file)):
        written.unlink(missing_ok=True)


def _before(file: Path) -> Path:
    return file.with_name(file.name + ".before")


def _read(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safetensors.safe_open(file, framework="pt") as content:
        metadata = content.metadata() or {}
        tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    if _checksum(tensors, metadata["values"]) != metadata["checksum"]:
        raise ValueError("its checksum differs")
    return tensors, json.loads(metadata["values"])


def _checksum(tensors: dict[str, Tensor], text: str) -> str:
    """Return a checksum over names, values and text."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
