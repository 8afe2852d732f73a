"""Figures whose readers choose what is drawn, by sliders and lists that a keyboard reaches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from isoae_lib.book.interactive import bundle
from isoae_lib.book.packed import asset, packed
from isoae_lib.paper.planes import Rounded

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Control:
    """A slider, or a list to choose from.

    Attributes
    ----------
    label : str
        Its name, in html.
    values : sequence of str
        What it can be set to.
    start : int
        Its position at first.
    slider : bool
        Whether it is a slider.
    """

    label: str
    values: Sequence[str]
    start: int = 0
    slider: bool = True


@dataclass(frozen=True)
class State:
    """What is drawn for one position of all controls.

    Attributes
    ----------
    traces : sequence of mapping
        What changes in each trace of the figure: lists, or `Rounded` arrays.
    says : str
        What stands below the controls, in html.
    """

    traces: Sequence[Mapping[str, Any]]
    says: str


def stepped(
    figure: go.Figure,
    still: Figure,
    name: str,
    controls: Sequence[Control],
    states: Mapping[tuple[int, ...], State],
    alt: str,
    narrow: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a figure with controls, as `display(..., raw=True)` takes it.

    Parameters
    ----------
    figure : plotly Figure
        With the traces that `states` change.
    still : matplotlib Figure
        What is seen where no script runs.
    name : str
        The id of the element on the page.
    states : mapping
        The positions of all controls -> what is drawn.
    alt : str
        What the figure shows, in words.
    narrow : mapping, optional
        What differs in the layout on a phone.
    """
    data = {
        "controls": [asdict(control) for control in controls],
        "states": {
            ",".join(map(str, at)): {"traces": _each(state.traces, packed), "says": state.says}
            for at, state in states.items()
        },
        "alt": alt,
        "narrow": narrow or {},
    }
    start = states[tuple(control.start for control in controls)]
    for trace, changes in zip(figure.data, start.traces, strict=False):
        trace.update(_each(changes, lambda array: array.values))  # for readers without our script
    written = json.dumps(data).replace("</", "<\\/")
    then = f"{asset('packed.js')}{asset('stepped.js')}stepped(plot, figure, {written});"
    forms = bundle(figure, still, name, then)
    style = f"<style>{asset('stepped.css')}</style>"
    return forms | {"text/html": style + forms["text/html"]}


def _each(value: Any, write: Callable[[Rounded], Any]) -> Any:
    """Return mappings and sequences of them with each rounded array as `write` returns it."""
    if isinstance(value, Rounded):
        return write(value)
    if isinstance(value, Mapping):
        return {name: _each(inner, write) for name, inner in value.items()}
    if isinstance(value, Sequence) and value and isinstance(value[0], Mapping):
        return [_each(inner, write) for inner in value]
    return value
