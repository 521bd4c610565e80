"""Reading YAML declarations so that every error names file, line and key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from firelake.errors import SpecError
from firelake.spec.dataset import Dataset

PROJECT_ROOT = Path(__file__).resolve().parents[3]
DATASETS_DIR = PROJECT_ROOT / "include" / "datasets"

Model = TypeVar("Model", bound=BaseModel)
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file as a pydantic model.

    Raises
    ------
    SpecError
        If the file cannot be read, is no YAML, has a duplicate or unknown key, or a wrong value.
    """
    read = read_yaml_model(path, model)
    if read.problems:
        raise read.problems[0]
    return read.value


@dataclass(frozen=True)
class Read(Generic[Model]):
    """What a file holds, or everything that is wrong with it, by line.

    Parameters
    ----------
    found
        None if there are problems.
    """

    found: Model | None
    problems: tuple[SpecError, ...] = ()

    @property
    def value(self) -> Model:
        """What the file holds; the first problem is raised if there is one."""
        if self.found is None:
            raise self.problems[0]
        return self.found


def read_yaml_model(path: Path, model: type[Model]) -> Read[Model]:
    """Read a YAML file as a pydantic model, without stopping at the first wrong value."""
    try:
        node, data = _parsed(path)
    except SpecError as error:
        return Read(None, (error,))
    repeated = tuple(_repeated_keys(path, node))
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        wrong = (_problem(path, node, data, details) for details in error.errors())
        return Read(None, tuple(sorted((*repeated, *wrong), key=lambda problem: problem.line)))
    return Read(None, repeated) if repeated else Read(found)


def _parsed(path: Path) -> tuple[yaml.Node, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(path, 1, f"cannot be read: {error}") from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise SpecError(path, 1, "the file is empty")
        return node, loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(path, line, f"no valid YAML: {error.problem}") from error
    finally:
        loader.dispose()


def load_dataset(path: Path) -> Dataset:
    """Read one dataset's YAML; its name must be the file's.

    A suite that lies beside the file is taken before one below the project's root.

    Raises
    ------
    SpecError
        As :func:`load_yaml_model`, and if the name differs.
    """
    return read_dataset(path).value


def read_dataset(path: Path) -> Read[Dataset]:
    """Read one dataset's YAML as :func:`load_dataset`, without stopping at the first wrong value."""
    read = read_yaml_model(path, Dataset)
    if read.found is None:
        return read
    if read.found.name != path.stem:
        problem = f"name: {read.found.name!r} must be the file's name, {path.stem!r}"
        return Read(None, (SpecError(path, 1, problem),))
    beside = path.parent / read.found.quality.suite
    if not beside.is_file():
        return read
    quality = read.found.quality.model_copy(update={"suite": beside.resolve()})
    return Read(read.found.model_copy(update={"quality": quality}))


def dataset_paths(directory: Path = DATASETS_DIR) -> list[Path]:
    """Return the dataset files of a folder, by name."""
    return sorted(directory.glob("*.yaml"))


def load_datasets(directory: Path = DATASETS_DIR) -> list[Dataset]:
    """Read every dataset of a folder, by name; SpecError on the first that is wrong."""
    return [load_dataset(path) for path in dataset_paths(directory)]


def find_dataset(name: str, directory: Path = DATASETS_DIR) -> Dataset:
    """Read the dataset called ``name``.

    Raises
    ------
    SpecError
        If there is none, or it is wrong.
    """
    path = directory / f"{name}.yaml"
    if path not in dataset_paths(directory):
        known = ", ".join(path.stem for path in dataset_paths(directory)) or "none"
        raise SpecError(path, 1, f"there is no dataset {name!r}; known are: {known}")
    return load_dataset(path)


def _mapping_nodes(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mapping_nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mapping_nodes(item)


def _repeated_keys(path: Path, root: yaml.Node) -> Iterator[SpecError]:
    for mapping in _mapping_nodes(root):
        seen: set[str] = set()
        for key, _ in mapping.value:
            if key.value in seen:
                yield SpecError(path, key.start_mark.line + 1, f"{key.value}: given twice")
            seen.add(key.value)


def _problem(path: Path, root: yaml.Node, data: Any, details: ErrorDetails) -> SpecError:
    where = ".".join(str(part) for part in details["loc"])
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        message = "unknown key; see docs/reference/dataset.md for the keys there are"
    return SpecError(path, _line_of(root, data, details["loc"]), f"{where}: {message}" if where else message)


def line_of(path: Path, *keys: int | str) -> int:
    """Return the line of a YAML file on which what some keys lead to begins; SpecError if it is no YAML."""
    return _line_of(*_parsed(path), keys)


def _line_of(root: yaml.Node, data: Any, location: tuple[int | str, ...]) -> int:
    """Walk down the YAML as far as the error's location can be followed."""
    node, line = root, root.start_mark.line + 1
    for part in location:
        step = _step(node, data, part)
        if step is None:
            break
        node, data, line = step
    return line


def _step(node: yaml.Node, data: Any, part: int | str) -> tuple[yaml.Node, Any, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], data[part], node.value[part].start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        return None
    # Columns are a mapping in the file and a tuple in the model: count along the keys.
    names = [key.value for key, _ in node.value]
    index = part if isinstance(part, int) else names.index(part) if part in names else -1
    if not 0 <= index < len(names):
        return None
    key, value = node.value[index]
    return value, data.get(names[index]), key.start_mark.line + 1
