"""The commands for one's own points: `isoae fit`, `isoae transform`, `isoae diagnose`."""

from __future__ import annotations

import csv
import io
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from isoae_lib import files
from isoae_lib.errors import InputError, choose

if TYPE_CHECKING:
    from isoae_lib.core.estimator import IsometricAutoencoder

KINDS = (".csv", ".npy", ".parquet")
REPORTS = (".html", ".json", ".txt")
Points = Annotated[Path, typer.Argument(help="a .csv, .npy or .parquet file, a point per row")]
Model = Annotated[Path, typer.Argument(help="the folder of a fitted model")]
Out = Annotated[Path, typer.Option(help="where the result goes")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command `isoae`."""
    for command in (fit, transform, diagnose):
        app.command(rich_help_panel="One's own points")(command)


def fit(
    points: Points,
    out: Annotated[Path, typer.Option(help="the folder of the model")],
    columns: Annotated[
        str, typer.Option(help="the columns to use, like x,y,z; all of them unless given")
    ] = "",
    dimensions: Annotated[int, typer.Option(help="of the codes")] = 2,
    weight: Annotated[float | None, typer.Option(help="of the demand for an isometry")] = None,
    steps: Annotated[int | None, typer.Option(help="how often the weights change")] = None,
    scale: Annotated[str, typer.Option(help="global, or columns: divide each by its deviation")] = (
        "global"
    ),
    seed: Annotated[int, typer.Option(help="decides starting weights and batches")] = 0,
) -> None:
    """Train an isometric autoencoder on points; print the folder of the model.

    A fit that was stopped, for whatever reason, goes on where it was: give the same command.
    """
    values = _read(points, columns.split(",") if columns else [])
    from isoae_lib.core import saved
    from isoae_lib.core.estimator import IsometricAutoencoder

    saved.check_place(out)
    checkpoint = out.with_name(f".{out.name}.checkpoint")
    model = IsometricAutoencoder(dimensions, scale=scale, random_state=seed, checkpoint=checkpoint)
    chosen = {"weight": weight, "steps": steps}
    model.set_params(**{name: value for name, value in chosen.items() if value is not None})
    print(model.fit(values).save(out))


def transform(model: Model, points: Points, out: Out) -> None:
    """Write the codes of points, new ones too, as .csv, .npy or .parquet; print the path."""
    choose("kind of file", out.suffix, KINDS)
    fitted = _load(model)
    codes = fitted.transform(_values_for(fitted, points))
    files.write_whole(out, _written(out.suffix, codes, fitted.get_feature_names_out()))
    print(out)


def diagnose(
    model: Model,
    points: Points,
    out: Annotated[Path | None, typer.Option(help="a page or file for it, .html, .json, .txt")] = (
        None
    ),
) -> None:
    """Print whether distances between codes may be trusted, and what was measured for it."""
    if out is not None:
        choose("kind of report", out.suffix, REPORTS)
    fitted = _load(model)
    report = fitted.diagnose(_values_for(fitted, points))
    if out is not None:
        content = {
            ".html": report.html,
            ".json": lambda: json.dumps(report.numbers(), indent=1) + "\n",
            ".txt": lambda: f"{report}\n",
        }[out.suffix]()
        files.write_whole(out, content)
        print(out, file=sys.stderr)
    print(report)


def _load(folder: Path) -> IsometricAutoencoder:
    if not folder.is_dir():
        raise InputError(f"{folder} is not there: give the folder that `isoae fit` wrote.")
    from isoae_lib.core.estimator import IsometricAutoencoder

    return IsometricAutoencoder.load(folder)


def _values_for(fitted: IsometricAutoencoder, points: Path) -> Any:
    """Return the columns of a file that a model was fitted on; without names, all of them."""
    names = list(getattr(fitted, "feature_names_in_", []))
    values = _read(points, names)
    if values.shape[1] != fitted.n_features_in_:
        raise InputError(
            f"{points} has {values.shape[1]} columns; the model was fitted on "
            f"{fitted.n_features_in_}."
        )
    warnings.filterwarnings("ignore", "X does not have valid feature names")
    return values


def _read(file: Path, columns: Sequence[str]) -> Any:
    """Return the numbers (n, D) of a file: a table, if its columns have names, or an array.

    Parameters
    ----------
    columns : sequence of str
        Which to read, in this order; all of them if there are none, or if they have no names.

    Raises
    ------
    InputError
        If it is not there, is damaged, or holds anything but numbers in these columns.
    """
    choose("kind of file", file.suffix.lower(), KINDS)
    if not file.is_file():
        raise InputError(f"{file} is not there.")
    if file.suffix.lower() == ".npy":
        return _read_npy(file)
    polars, named = _polars(), True
    try:
        if file.suffix.lower() == ".parquet":
            table = polars.read_parquet(file)
        else:
            named = _has_names(file)
            table = polars.read_csv(file, has_header=named, infer_schema=False)
    except (polars.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {str(error).splitlines()[0]}.") from None
    if named and columns:
        if lost := [name for name in columns if name not in table.columns]:
            raise InputError(
                f"{file} has no column '{lost[0]}'; it has: {', '.join(table.columns)}."
            )
        table = table.select(columns)
    table = _numbers(file, table, polars, named)
    return table if named else table.to_numpy()


def _read_npy(file: Path) -> NDArray:
    """Return the array of a file, mapped and not read: it may be larger than memory."""
    try:
        values = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{file} cannot be read: {error}.") from None
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise InputError(
            f"{file} holds {values.dtype} of shape {values.shape}: numbers (n, D) are needed."
        )
    return values


def _has_names(file: Path) -> bool:
    """Whether the first line of a CSV file has anything but numbers."""
    with file.open(newline="", encoding="utf-8-sig") as stream:
        first = next(csv.reader(stream), None)
    if first is None:
        raise InputError(f"{file} is empty.")
    return not all(map(_is_number, first))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(file: Path, table: Any, polars: Any, named: bool) -> Any:
    """Return a table with its columns as float64.

    Raises
    ------
    InputError
        If something is no finite number; it names the row and the column.
    """
    for name in table.columns:
        column = table[name]
        text = column.dtype == polars.String
        stripped = column.str.strip_chars() if text else column
        try:
            numbers = stripped.cast(polars.Float64, strict=False)
        except polars.exceptions.PolarsError:
            numbers = polars.Series(name, [None] * len(column), dtype=polars.Float64)
        wrong = (numbers.is_null() | ~numbers.is_finite().fill_null(False)).arg_true()
        if len(wrong):
            row, value = wrong[0], column[wrong[0]]
            where = f"column '{name}'" if named else f"column {table.columns.index(name) + 1}"
            line = f"line {row + 1 + named}" if file.suffix == ".csv" else f"row {row}"
            what = "is empty" if value in (None, "") else f"is {value!r}, which is no finite number"
            hint = ", or choose others with --columns" if named else ""
            raise InputError(f"{file}, {line}: {where} {what}: leave such rows out{hint}.")
        table = table.with_columns(numbers)
    return table


def _written(kind: str, codes: NDArray, names: Sequence[str]) -> bytes:
    """Return codes as the content of a file."""
    stream = io.BytesIO()
    if kind == ".npy":
        np.save(stream, codes)
    elif kind == ".csv":
        lines = [",".join(names), *(",".join(map(repr, row)) for row in codes.tolist())]
        stream.write(("\n".join(lines) + "\n").encode())
    else:
        _polars().DataFrame(codes, schema=list(names)).write_parquet(stream)
    return stream.getvalue()


def _polars() -> Any:
    try:
        import polars
    except ModuleNotFoundError:
        raise InputError(
            "files of tables need polars: `pip install 'isoae-lib[table]'` brings it."
        ) from None
    return polars
