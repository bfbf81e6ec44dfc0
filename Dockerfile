# Releases pass the digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements requirements
RUN python -m venv /build \
 && /build/bin/pip install --require-hashes -r requirements/build.txt \
 && python -m venv --without-pip /opt/exporter \
 && /build/bin/pip --python /opt/exporter install --no-compile --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
COPY deploy/data deploy/data
COPY deploy/image deploy/image
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /build/bin/pip --python /opt/exporter install --no-compile --no-deps /dist/*.whl \
 && /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/exporter/lib \
 && python deploy/image/runtime_root.py /opt/exporter /runtime

FROM builder AS demo-builder
RUN /build/bin/pip --python /opt/exporter install --no-compile --require-hashes -r requirements/demo.txt \
 && /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/exporter/lib \
 && rm -r /runtime \
 && python deploy/image/runtime_root.py /opt/exporter /runtime

FROM scratch AS base
ARG VERSION="" REVISION="" CREATED="" SOURCE=""
LABEL org.opencontainers.image.title="aws-backup-exporter" \
      org.opencontainers.image.description="Prometheus exporter for AWS Backup" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
ENV PATH=/opt/exporter/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10058:10058
EXPOSE 10058
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-I", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:10058/-/healthy', timeout=4)"]
ENTRYPOINT ["aws-backup-exporter"]

FROM base AS demo
COPY --from=demo-builder /runtime /
CMD ["--demo"]

# The last stage is the default for builds without --target.
FROM base AS exporter
COPY --from=builder /runtime /
