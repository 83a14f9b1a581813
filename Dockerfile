# One image for all services of docker-compose.yml but PostgreSQL. Prefect's and MLflow's own images
# would bring other releases than requirements.lock, without the database drivers.
FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/lab
WORKDIR /build
COPY requirements.lock ./
RUN /opt/lab/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/lab/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11.15-slim-bookworm
ENV PATH=/opt/lab/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A volume takes the owner of the folder that it is first mounted on.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin lab \
    && install --directory --owner lab --group lab --mode 0750 /artifacts
COPY --from=build /opt/lab /opt/lab
WORKDIR /app
COPY pyproject.toml requirements.lock prefect.yaml ./
COPY deploy/register deploy/register
COPY expectations expectations
COPY flows flows
COPY registers registers
COPY tasks tasks
USER 10001:10001
