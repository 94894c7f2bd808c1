# Runs with a read-only root file system and without any capability.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Dependencies first: this layer stays as long as the locks do. The build backend stays out of /app.
COPY requirements/ requirements/
RUN pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements/build.txt \
 && python -m venv /app \
 && /app/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements/run.txt

COPY pyproject.toml LICENSE ./
COPY webhook/ webhook/
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && /app/bin/pip install --quiet --no-deps dist/*.whl \
 && /app/bin/pip uninstall --quiet --yes pip

FROM python:3.13-slim
ENV PATH=/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/nonexistent
COPY --from=build /app /app
USER 65532:65532
EXPOSE 10250 8080
ENTRYPOINT ["mtls-guard"]
CMD ["serve"]
