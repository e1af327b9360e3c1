# Airflow, Spark, MLflow and the code of Arrears in one image: one lock, so no part can drift from another.
# Build from the repository's root: docker build -f deploy/arrears.Dockerfile -t arrears:0.1.0 .

FROM python:3.11-slim-bookworm AS environment
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}" && python -m venv --without-pip /opt/arrears/venv
COPY requirements.txt /tmp/requirements.txt
# `sync` takes the lock as it is; pip would resolve again and refuse the override of pyspark-client.
RUN uv pip sync --require-hashes --no-cache --python /opt/arrears/venv/bin/python /tmp/requirements.txt

FROM python:3.11-slim-bookworm
# The slim image has no folder for man pages, and the Java package links some.
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home arrears \
    && install -d -o arrears -g arrears -m 0700 /var/lib/airflow /var/lib/mlflow /var/lib/spark
COPY --from=environment /opt/arrears/venv /opt/arrears/venv
ENV PATH=/opt/arrears/venv/bin:$PATH \
    PYTHONPATH=/opt/arrears/app \
    PYTHONUNBUFFERED=1 \
    LC_ALL=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPARK_HOME=/opt/arrears/venv/lib/python3.11/site-packages/pyspark \
    PYSPARK_PYTHON=/opt/arrears/venv/bin/python
WORKDIR /opt/arrears/app

# The jars change seldom: only what names them is copied before they are fetched.
COPY arrears/__init__.py arrears/
COPY arrears/contracts arrears/contracts
COPY include/__init__.py include/cluster_sizes.py include/
COPY local/__init__.py local/credentials.py local/environment.py local/file_lock.py local/
COPY local/progress.py local/stack_settings.py local/
COPY local/tools/__init__.py local/tools/jars.py local/tools/maven.py local/tools/
COPY deploy/fetch_jars.py deploy/
ARG ARREARS_MAVEN_MIRROR=
RUN python -m deploy.fetch_jars /opt/arrears/jars

COPY arrears arrears
COPY spark_jobs spark_jobs
COPY descriptions descriptions
COPY experiments experiments
COPY include include
COPY plugins plugins
COPY dags dags
COPY local local
COPY ops ops
COPY deploy deploy
RUN python -m local.tools.package_jobs
ARG GIT_COMMIT=
ENV ARREARS_GIT_COMMIT=$GIT_COMMIT

USER arrears
ENTRYPOINT ["/opt/arrears/app/deploy/entrypoint.sh"]
