FROM python:3.13-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements requirements
RUN python -m venv /build \
 && /build/bin/pip install --require-hashes -r requirements/build.txt \
 && python -m venv --without-pip /opt/exporter \
 && /build/bin/pip --python /opt/exporter install --no-compile --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /build/bin/pip --python /opt/exporter install --no-compile --no-deps /dist/*.whl \
 && /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/exporter/lib

FROM builder AS demo-builder
RUN /build/bin/pip --python /opt/exporter install --no-compile --require-hashes -r requirements/demo.txt \
 && /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/exporter/lib

FROM python:3.13-slim AS base
# The base image has no compiled modules, and Python cannot write them to a read-only root file system.
RUN python -c "import compileall, re, sysconfig; compileall.compile_dir(sysconfig.get_path('stdlib'), rx=re.compile('site-packages'), quiet=2)"
ENV PATH=/opt/exporter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="aws-backup-exporter" \
      org.opencontainers.image.description="Prometheus exporter for AWS Backup" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 10058:10058
EXPOSE 10058
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-I", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:10058/-/healthy', timeout=4)"]
ENTRYPOINT ["aws-backup-exporter"]

FROM base AS demo
COPY --from=demo-builder /opt/exporter /opt/exporter
CMD ["--demo"]

# The last stage is the default for builds without --target.
FROM base AS exporter
COPY --from=builder /opt/exporter /opt/exporter
