"""How a command shows a run's progress, and what stops it: a signal, or a used up budget."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

from tqdm import tqdm

from isoae_lib.book.surroundings import at_ending
from isoae_lib.errors import InputError


def seconds_of(text: str) -> float:
    """Return the seconds of a duration like 90s, 8m or 1h30m.

    Raises
    ------
    InputError
        If it is none.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or match is None:
        raise InputError(f"'{text}' is no time: write it like 90s, 8m or 1h30m.")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def stopper(budget: float | None) -> Callable[[], bool]:
    """Return what says when to stop: after Ctrl-C or another polite signal, or a used up budget."""
    asked = False
    ends = time.monotonic() + budget if budget is not None else float("inf")

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:  # the second time, at once
            raise KeyboardInterrupt
        asked = True

    at_ending(ask)
    return lambda: asked or time.monotonic() > ends


def shown(name: str, steps: int) -> Callable[[int, dict[str, float]], None]:
    """Return what shows a run's progress: a bar on a terminal, tab-separated lines elsewhere."""
    if sys.stderr.isatty():
        bar = tqdm(total=steps, desc=name, unit="step")

        def move(step: int, row: dict[str, float]) -> None:
            bar.set_postfix({k: f"{v:.3g}" for k, v in row.items() if k != "step"}, refresh=False)
            bar.update(step - bar.n)
            if step == steps:
                bar.close()

        return move
    began: list[float] = []  # moment and step of the first call

    def tell(step: int, row: dict[str, float]) -> None:
        began[:] = began or [time.monotonic(), step]
        if step == began[1]:
            return
        spent = time.monotonic() - began[0]
        left = spent * (steps - step) / (step - began[1])
        terms = "\t".join(f"{key} {value:.3g}" for key, value in row.items() if key != "step")
        head = f"{name}\t{step}/{steps}\t{spent:.0f} s\tleft {left:.0f} s"
        print(f"{head}\t{terms}", file=sys.stderr, flush=True)

    return tell
