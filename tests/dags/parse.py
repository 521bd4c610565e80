"""Parse the DAGs folder in a process of its own; print as JSON what Airflow made of it."""

import json
import sys

from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import get_plugin_info
from airflow.providers.amazon.aws.operators.glue_crawler import GlueCrawlerRunOperator
from airflow.serialization.serialized_objects import DagSerialization


def packages() -> set[str]:
    """Return the packages that have been imported."""
    return {name.partition(".")[0] for name in sys.modules}


# What Airflow and the operator that the DAGs use import by themselves is not the DAGs' doing.
before = {*packages(), GlueCrawlerRunOperator.__module__}
bag = DagBag()
for dag in bag.dags.values():
    DagSerialization.to_dict(dag)
print(
    json.dumps(
        {
            "dags": sorted(bag.dags),
            "import_errors": bag.import_errors,
            "imported": sorted(packages() - before),
            "plugins": {plugin["name"]: str(plugin["source"]) for plugin in get_plugin_info()},
        }
    )
)
