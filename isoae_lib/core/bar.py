"""The progress bar of a fit."""

from __future__ import annotations

import sys

from tqdm import tqdm

from isoae_lib.core.training import Progress


def bar(steps: int, wanted: bool | None) -> Progress | None:
    """Return a function that shows progress on a bar, if that is wanted.

    Parameters
    ----------
    steps : int
        How many a fit has.
    wanted : bool, optional
        Without it, wanted on a terminal and in notebooks.
    """
    if not (sys.stderr.isatty() or _in_a_notebook() if wanted is None else wanted):
        return None
    shown = tqdm(total=steps, unit="step")

    def move(step: int, row: dict[str, float]) -> None:
        shown.set_postfix({k: f"{v:.2g}" for k, v in row.items() if k != "step"}, refresh=False)
        shown.update(step - shown.n)
        if step == steps:
            shown.close()

    return move


def _in_a_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ == "ZMQInteractiveShell"
