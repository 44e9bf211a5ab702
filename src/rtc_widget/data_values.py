"""Arrays, tables and pictures as simpler values; a package that nobody has imported has made none of them."""

from __future__ import annotations

import sys
from typing import Any

_MOST_NUMBERS = 200
_FIRST = 20


def of_the_data_packages(value: Any, most: int) -> tuple[bool, Any]:
    """Return whether it is a value of numpy, pandas, Pillow or matplotlib, and in simpler terms what it says.

    Parameters
    ----------
    value : object
        Anything.
    most : int
        How many characters there is room for: no more rows and numbers are taken than could fit.
    """
    if (np := sys.modules.get("numpy")) is not None:
        if isinstance(value, np.generic):
            if value.dtype.kind in "mM":
                return True, None if np.isnat(value) else str(value)
            return True, value.item()
        if isinstance(value, np.ndarray):
            return True, _array(value, np, most)
    if (pd := sys.modules.get("pandas")) is not None:
        if value is pd.NaT or value is pd.NA:
            return True, None
        if isinstance(value, pd.DataFrame):
            return True, _table(value, pd, most)
        if isinstance(value, pd.Series):
            named = value.rename(value.name if value.name is not None else "value")
            return True, _table(named.to_frame(), pd, most)
        if isinstance(value, pd.Index):
            return True, list(value[:most])
    if (pil := sys.modules.get("PIL.Image")) is not None and isinstance(value, pil.Image):
        return True, f"(an image of {value.width} × {value.height} pixels; it can be shown with chat.send_image)"
    if (figure := sys.modules.get("matplotlib.figure")) is not None and isinstance(value, figure.Figure):
        return True, "(a figure; it can be shown with chat.send_image)"
    return False, None


def _array(array: Any, np: Any, most: int) -> Any:
    is_number = array.dtype.kind in "iufb"
    # Times would come out of `tolist` as numbers.
    is_time = array.dtype.kind in "mM"
    if array.size <= (_MOST_NUMBERS if is_number else most):
        return list(array) if is_time and array.ndim else array.tolist()
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    names = ("min", "max", "mean", "std") if is_number and finite.size else ()
    measures = {name: getattr(finite, name)() for name in names}
    first = array.ravel()[:_FIRST]
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        **measures,
        "first": list(first) if is_time else first.tolist(),
        "note": f"cut: {'the measures and ' if measures else ''}the first {_FIRST} of {array.size} "
        f"{'numbers' if is_number else 'entries'}",
    }


def _table(table: Any, pd: Any, most: int) -> dict[str, Any]:
    """A table as rows; its index comes along where it is more than a running number."""
    is_numbered = table.index.names == [None] and table.index.equals(pd.RangeIndex(len(table)))
    shown = table.iloc[:, : most // 5]  # each takes as much at least, with its name
    shown = shown.head(max(1, most // (3 * max(1, shown.shape[1]))))
    shown = shown if is_numbered else _with_its_index(shown)
    rows = [dict(zip(map(str, shown.columns), row, strict=True)) for row in shown.itertuples(index=False, name=None)]
    # The count comes first: there may be no room behind the rows.
    return {"row_count": len(table), "rows": rows}


def _with_its_index(table: Any) -> Any:
    """The index as columns in front, by names that no column has."""
    taken = set(map(str, table.columns))
    names = []
    unnamed = ["index"] if table.index.nlevels == 1 else [f"level {place}" for place in range(table.index.nlevels)]
    for name, otherwise in zip(table.index.names, unnamed, strict=True):
        wanted = otherwise if name is None else str(name)
        while wanted in taken:
            wanted += " (index)"
        taken.add(wanted)
        names.append(wanted)
    return table.rename_axis(index=names).reset_index()
