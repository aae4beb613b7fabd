# syntax=docker/dockerfile:1
# Two stages: the first installs hashed wheels, the second holds nothing that could build or train.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /opt/replenishd \
 && /opt/replenishd/bin/pip install --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY connector connector
COPY policies policies
# The wheel is built in a throw-away environment, so that no build tool reaches the image.
RUN python -m venv /tmp/builder \
 && /tmp/builder/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt \
 && /tmp/builder/bin/pip wheel --no-deps --no-build-isolation -w /tmp/wheels . \
 && /opt/replenishd/bin/pip install --no-deps /tmp/wheels/*.whl \
 && /opt/replenishd/bin/pip uninstall -y setuptools pip \
 && ! /opt/replenishd/bin/python -c "import torch" 2>/dev/null

FROM ${PYTHON} AS runtime
LABEL org.opencontainers.image.title="replenishd" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 replenishd \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin replenishd \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/replenishd /etc/replenishd
COPY --from=build /opt/replenishd /opt/replenishd
ENV PATH=/opt/replenishd/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib HOME=/tmp
USER 10001:10001
VOLUME /var/lib/replenishd
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import sys, urllib.request as u; sys.exit(u.urlopen('http://127.0.0.1:9464/livez', timeout=4).status != 200)"]
ENTRYPOINT ["replenishd"]
CMD ["run", "--config", "/etc/replenishd/replenishd.yaml"]
