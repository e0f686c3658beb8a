# nb_helpers in a container. CPU, or any GPU that the host's NVIDIA container toolkit lends (torch brings its own CUDA):
#   docker build -t nb_helpers .
#   docker build -t nb_helpers --build-arg BASE=nvidia/cuda:12.8.1-runtime-ubuntu24.04 .
#   docker run --rm -v "$PWD/photos:/data" -v "$PWD/runs:/work/runs" nb_helpers nb_run basegun -p source /data
# On a GPU add --gpus all --shm-size=8g (or --ipc=host): processes that load hand batches over in shared memory, of which Docker gives 64 MB
ARG BASE=debian:bookworm-slim
FROM ${BASE}

SHELL ["/bin/bash", "-euo", "pipefail", "-c"]

# Debian's and Ubuntu's own Python; their security updates are wanted, so no versions are named
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git make python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --non-unique --gid 1000 someone && useradd --non-unique --uid 1000 --gid 1000 --create-home --shell /bin/bash someone \
 && mkdir -p /opt/nb_helpers /work/runs \
 && chown 1000:1000 /opt/nb_helpers \
 && chmod -R 1777 /work

USER 1000:1000
WORKDIR /opt/nb_helpers
COPY --chown=1000:1000 . .
RUN make setup

# runs/, data/ and drive/ are made in the folder in which a command is called; any user may write there, clouds choose one of their own
ENV PATH=/opt/nb_helpers/.venv/bin:$PATH HOME=/work
WORKDIR /work
CMD ["nb_run", "--list"]
