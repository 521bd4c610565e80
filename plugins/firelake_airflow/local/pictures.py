"""Pictures of what the summaries say, drawn from what Athena answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from firelake.layout import Lake
from matplotlib.figure import Figure

from firelake_airflow.local.outcome import query_summaries

_SIZE_INCHES = (8.0, 4.0)
_DARK, _LIGHT, _ALERT = "#2f7d6b", "#a9d3c8", "#b3402e"


def draw(lake: Lake, summaries: Iterable[str], folder: Path) -> list[Path]:
    """Draw each summary that there is a picture of; return the files."""
    paths = []
    for name in summaries:
        if name in _PICTURES:
            statement, drawn = _PICTURES[name]
            figure = drawn(query_summaries(lake, statement))
            paths.append(folder / f"{name}.svg")
            figure.savefig(paths[-1], metadata={"Date": None})
    return paths


def device_health(rows: pd.DataFrame) -> Figure:
    """Draw each device's temperatures of a day: lowest to highest, mean, and anomalies."""
    figure = Figure(_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    low, high = rows["temperature_min_c"].astype(float), rows["temperature_max_c"].astype(float)
    axes.bar(rows["device_id"], high - low, bottom=low, width=0.5, color=_LIGHT, label="lowest to highest")
    axes.scatter(rows["device_id"], rows["temperature_avg_c"], color=_DARK, zorder=3, label="mean")
    for device, top, anomalies in zip(rows["device_id"], high, rows["temperature_anomalies"], strict=True):
        if anomalies:
            axes.text(device, top + 1, f"{anomalies}", color=_ALERT, ha="center")
    axes.set_title(f"Device health on {rows['event_day'].iloc[0]} (in red: anomalies)")
    axes.set_xlabel("device")
    axes.set_ylabel("temperature, °C")
    axes.set_xticks(rows["device_id"])
    axes.set_ylim(top=high.max() + 8)
    axes.legend(loc="upper left", frameon=False)
    return figure


def menu_funnel(rows: pd.DataFrame) -> Figure:
    """Draw how many visits reached each section of the menu, and how many of those went on."""
    figure = Figure(_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    axes.barh(places, rows["reached"], color=_LIGHT, label="stopped here")
    axes.barh(places, rows["went_on"], color=_DARK, label="went on")
    for place, reached, visits in zip(places, rows["reached"], rows["visits"], strict=True):
        share = reached / visits if visits else 0
        axes.text(reached, place, f" {reached:,} ({share:.0%} of visits)", va="center")
    axes.set_title(f"From appetizers to desserts, {rows['visits'].iloc[0]:,} visits")
    axes.set_yticks(list(places), list(rows["section"]))
    axes.invert_yaxis()
    axes.set_xlabel("visits")
    axes.set_xlim(right=1.3 * max(1, rows["reached"].max()))
    axes.legend(loc="lower right", frameon=False)
    return figure


_PICTURES: dict[str, tuple[str, Callable[[pd.DataFrame], Figure]]] = {
    "iot_device_health_daily": (
        "SELECT * FROM iot_device_health_daily WHERE event_day = "
        "(SELECT max_by(event_day, readings) FROM iot_device_health_daily) ORDER BY device_id",
        device_health,
    ),
    "menu_funnel": (
        "SELECT stage, section, sum(visits) AS visits, sum(reached) AS reached, sum(went_on) AS went_on "
        "FROM menu_funnel GROUP BY stage, section ORDER BY stage",
        menu_funnel,
    ),
}
