"""What decides the last bits of a training run on a CPU: the processor, and how PyTorch uses it."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

CPUINFO = Path("/proc/cpuinfo")
FIELDS = ("model name", "cpu family", "model", "stepping")


def processor() -> str:
    """Return the processor's name and model, as far as the system tells, and PyTorch's kernels."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    known = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    name, *model = (known[field] for field in FIELDS if field in known) if known else [""]
    words = [name or platform.processor() or platform.machine(), " ".join(model)]
    return ", ".join([*filter(None, words), torch.backends.cpu.get_cpu_capability()])


def kind(record: dict[str, Any]) -> tuple[Any, ...]:
    """Return what two records have in common whose runs must agree to the last bit."""
    versions = record["versions"]
    facts = [record.get(name) for name in ("processor", "device", "engine")]
    return (*facts, *(versions[name] for name in ("torch", "numpy", "training")))
