# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/autoscaler
COPY requirements.lock .
RUN /opt/autoscaler/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY autoscaler autoscaler
RUN /opt/autoscaler/bin/pip install --no-deps . \
 && /opt/autoscaler/bin/pip uninstall --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="autoscaler" \
      org.opencontainers.image.description="Scales Celery and Airflow workers without ever killing a running task, and says why." \
      org.opencontainers.image.licenses="Apache-2.0"
# Compiled when the image is made: the root file system may be read-only later.
COPY --from=build /opt/autoscaler /opt/autoscaler
ENV PATH=/opt/autoscaler/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AUTOSCALER_URL=http://127.0.0.1:9180
# Journal and state are paths relative to here unless the config says otherwise.
RUN install --directory --owner=65532 --group=65532 --mode=0750 /var/lib/autoscaler
WORKDIR /var/lib/autoscaler
VOLUME /var/lib/autoscaler
USER 65532:65532
EXPOSE 9180
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['AUTOSCALER_URL'] + '/healthz', timeout=3)"]
ENTRYPOINT ["autoscaler"]
CMD ["run", "--config", "/etc/autoscaler/autoscaler.yaml"]
