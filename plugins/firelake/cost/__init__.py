"""What a lake costs: counted use, times the prices of one file."""

from firelake.cost.estimate import DatasetCost, Line, Scenario, estimate, query_line
from firelake.cost.prices import Prices, load_prices
from firelake.cost.usage import Usage, measure, measure_queries

__all__ = [
    "DatasetCost",
    "Line",
    "Prices",
    "Scenario",
    "Usage",
    "estimate",
    "load_prices",
    "measure",
    "measure_queries",
    "query_line",
]
