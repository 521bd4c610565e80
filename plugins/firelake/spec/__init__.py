"""The spec: one YAML file declares a dataset."""

from firelake.spec.dataset import Column, Dataset
from firelake.spec.load import find_dataset, load_dataset, load_datasets

__all__ = ["Column", "Dataset", "find_dataset", "load_dataset", "load_datasets"]
