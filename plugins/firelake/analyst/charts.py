"""Charts of a column over time, as SVG."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_STYLE = Path(__file__).parent / "templates" / "charts.mplstyle"
_LINE, _BAND = "#2f7d6b", "#a9d3c8"
_SIZE_INCHES = (9.0, 2.6)
_MOST_POINTS = 200
# Steps of time as pandas writes them, and in words.
_STEPS = {
    "min": "minute",
    "5min": "5 minutes",
    "15min": "15 minutes",
    "h": "hour",
    "6h": "6 hours",
    "D": "day",
    "7D": "week",
}


def volume(times: pd.Series[pd.Timestamp]) -> str:
    """Draw how many rows there are over time."""
    step = _step(times)
    counts = times.dt.floor(step).value_counts().sort_index()
    with style.context(_STYLE):
        figure, axes = _axes(f"rows per {_STEPS[step]}")
        axes.bar(counts.index, counts.to_numpy(), width=pd.Timedelta(1, "D") * _days(step), color=_LINE)
        axes.set_ylim(bottom=0)
        return _svg(figure)


def spread(times: pd.Series[pd.Timestamp], values: pd.Series[float], label: str) -> str:
    """Draw the median of a column over time, between its 5th and 95th percentiles."""
    step = _step(times)
    grouped = values.groupby(times.dt.floor(step))
    low, median, high = (grouped.quantile(share) for share in (0.05, 0.5, 0.95))
    with style.context(_STYLE):
        figure, axes = _axes(f"{label}: median, and 5th to 95th percentile, per {_STEPS[step]}")
        axes.fill_between(low.index, low.to_numpy(), high.to_numpy(), color=_BAND, linewidth=0)
        axes.plot(median.index, median.to_numpy(), color=_LINE, linewidth=1.4)
        return _svg(figure)


def _step(times: pd.Series[pd.Timestamp]) -> str:
    """Return the shortest step that gives no more points than can be told apart."""
    span_days = (times.max() - times.min()) / pd.Timedelta(1, "D")
    return next((step for step in _STEPS if span_days / _days(step) <= _MOST_POINTS), "7D")


def _days(step: str) -> float:
    return float(pd.Timedelta(pd.tseries.frequencies.to_offset(step)) / pd.Timedelta(1, "D"))


def _axes(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE_INCHES)
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _svg(figure: Figure) -> str:
    """Return the drawing without what only a file of its own needs."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
