"""The demo's pictures show the figures of the summaries."""

from __future__ import annotations

import io
from datetime import date

import pandas as pd
from firelake_airflow.local.pictures import device_health, menu_funnel
from matplotlib.figure import Figure


def svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg")
    return out.getvalue()


def test_device_health_spans_each_devices_temperatures_and_tells_anomalies() -> None:
    rows = pd.DataFrame(
        {
            "device_id": [0, 1, 2],
            "event_day": [date(2026, 11, 19)] * 3,
            "temperature_min_c": pd.array([5, 10, None], dtype="Int64"),
            "temperature_avg_c": [7.5, 12.0, None],
            "temperature_max_c": pd.array([9, 60, None], dtype="Int64"),
            "temperature_anomalies": [0, 4, 0],
        }
    )
    figure = device_health(rows)
    axes = figure.axes[0]
    bars = [(bar.get_y(), bar.get_height()) for bar in axes.patches]
    assert bars[:2] == [(5, 4), (10, 50)]
    assert [text.get_text() for text in axes.texts] == ["4"]
    assert "2026-11-19" in svg(figure)


def test_the_funnel_is_as_wide_as_visits_are_many() -> None:
    rows = pd.DataFrame(
        {
            "stage": [1, 2, 3],
            "section": ["appetizer", "entree", "dessert"],
            "visits": [200, 200, 200],
            "reached": [150, 80, 20],
            "went_on": [80, 20, 0],
        }
    )
    figure = menu_funnel(rows)
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [150, 80, 20, 80, 20, 0]
    assert [text.get_text() for text in axes.texts] == [
        " 150 (75% of visits)",
        " 80 (40% of visits)",
        " 20 (10% of visits)",
    ]
    assert "200 visits" in svg(figure)
