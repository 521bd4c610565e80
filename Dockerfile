# Two images on one base: `airflow` runs every component of Airflow, `localaws` is AWS without an account.
FROM apache/airflow:3.3.2-python3.12 AS base
USER root
RUN install -d -o airflow -g 0 -m 775 /opt/firelake /opt/firelake/var
WORKDIR /opt/firelake
USER airflow
# The base's entrypoint waits for a database in silence; here init says what is wrong with it.
ENTRYPOINT ["/usr/bin/dumb-init", "--"]

FROM base AS localaws
COPY localaws/requirements.txt localaws/
# The lock is complete: nothing is left to resolve.
RUN --mount=type=cache,target=/home/airflow/.cache/pip,uid=50000 \
    python -m venv /home/airflow/localaws \
    && /home/airflow/localaws/bin/pip install -q --no-deps -r localaws/requirements.txt
COPY localaws localaws
EXPOSE 4566
CMD ["/home/airflow/localaws/bin/python", "-m", "localaws", "--host", "0.0.0.0", "--data-dir", "/opt/firelake/var"]

FROM base AS airflow
COPY requirements.txt requirements-compose.txt ./
# Compiled here once, or every container would do it at its start.
RUN --mount=type=cache,target=/home/airflow/.cache/pip,uid=50000 \
    pip install -q --no-deps -r requirements.txt -r requirements-compose.txt \
    && python -m compileall -q -j 0 /home/airflow/.local/lib
COPY dags dags
COPY expectations expectations
COPY include include
COPY ingest ingest
COPY plugins plugins
ENV PYTHONPATH=/opt/firelake/plugins:/opt/firelake \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/firelake/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/firelake/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    # Workers are forked for every task, which threads would not survive.
    OPENBLAS_NUM_THREADS=1
CMD ["airflow", "version"]
