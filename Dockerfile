# deltaband in a container: paper trading by default, as nobody in particular, on a read-only root.
#
#   docker build --tag deltaband .
#   docker run --rm --init --read-only --volume deltaband:/state deltaband
#
# .ci/rehearse_image.py carries out these same instructions without a container engine.

FROM python:3.11-slim AS build
WORKDIR /src
RUN python3 -m venv /opt/deltaband
COPY requirements.lock ./
RUN /opt/deltaband/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements.lock
COPY pyproject.toml LICENSE ./
COPY bot ./bot
COPY config ./config
COPY greeks ./greeks
RUN /opt/deltaband/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation . \
    && /opt/deltaband/bin/python -m compileall -q /opt/deltaband/lib \
    && mkdir /state

FROM python:3.11-slim
COPY --from=build /opt/deltaband /opt/deltaband
COPY --from=build --chown=10001:10001 /state /state
ENV PATH=/opt/deltaband/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/state \
    DELTABAND__STATE_DIR=/state
USER 10001:10001
WORKDIR /state
VOLUME /state
STOPSIGNAL SIGTERM
# Fresh decisions on fresh prices are health; a process that merely exists is not.
HEALTHCHECK --interval=15s --timeout=10s --start-period=40s --retries=3 \
    CMD deltaband status --healthy
# Nobody outside would reach a page of its own; compose.yaml has the dashboard as a service.
CMD ["deltaband", "paper", "--no-dashboard"]
