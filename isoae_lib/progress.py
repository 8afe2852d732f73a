"""Progress of a run as a command shows it, and what stops a run: a signal or a time limit."""

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
        If the text is not a duration.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or match is None:
        raise InputError(f"'{text}' is not a duration: write it like 90s, 8m or 1h30m.")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def stopper(budget: float | None) -> Callable[[], bool]:
    """Return a function that tells whether to stop: after a signal, or `budget` seconds.

    The first signal, such as Ctrl-C, lets the run write its checkpoint; the second ends it at once.
    """
    asked = False
    ends = time.monotonic() + budget if budget is not None else float("inf")

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    at_ending(ask)
    return lambda: asked or time.monotonic() > ends


def shown(name: str, steps: int) -> Callable[[int, dict[str, float]], None]:
    """Return a function that shows progress: a bar on a terminal, tab-separated lines elsewhere."""
    if sys.stderr.isatty():
        bar = tqdm(total=steps, desc=name, unit="step")

        def move(step: int, row: dict[str, float]) -> None:
            bar.set_postfix({k: f"{v:.3g}" for k, v in row.items() if k != "step"}, refresh=False)
            bar.update(step - bar.n)
            if step == steps:
                bar.close()

        return move
    began: list[float] = []  # time and step of the first call

    def write_line(step: int, row: dict[str, float]) -> None:
        began[:] = began or [time.monotonic(), step]
        if step == began[1]:
            return
        spent = time.monotonic() - began[0]
        left = spent * (steps - step) / (step - began[1])
        terms = "\t".join(f"{key} {value:.3g}" for key, value in row.items() if key != "step")
        head = f"{name}\t{step}/{steps}\t{spent:.0f} s\tleft {left:.0f} s"
        print(f"{head}\t{terms}", file=sys.stderr, flush=True)

    return write_line
