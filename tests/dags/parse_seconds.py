"""Parse files of the DAGs folder, each by itself; print as JSON the CPU seconds that each took."""

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.providers.amazon.aws.operators.glue_crawler import GlueCrawlerRunOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator

# What Airflow's own operators need to be imported is not the DAGs' doing.
before = (GlueCrawlerRunOperator, ApprovalOperator)
seconds = {}
for path in map(Path, sys.argv[1:]):
    began = time.process_time()
    bag = DagBag(path)
    seconds[path.name] = time.process_time() - began
    if bag.import_errors:
        sys.exit(str(bag.import_errors))
print(json.dumps(seconds))
