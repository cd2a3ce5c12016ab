"""Runs inside Airflow's own environment: triggers a run for each DAG id it reads, tells its id."""

from __future__ import annotations

import os
import sys
import warnings

warnings.simplefilter("ignore")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what Airflow prints is not an answer

from airflow.api.common.trigger_dag import trigger_dag  # noqa: E402 - prints when imported

try:
    from airflow.utils.types import DagRunTriggeredByType
except ImportError:
    REQUIRED = {}
else:
    REQUIRED = {"triggered_by": DagRunTriggeredByType.TEST}

for line in sys.stdin:
    run = trigger_dag(line.strip(), **REQUIRED)
    print(run.run_id, file=answers, flush=True)
