# docker build -t isoae .
# docker run --rm -v isoae:/isoae/build isoae            # make book
# docker run --rm -v isoae:/isoae/build isoae make test
FROM python:3.12-slim-trixie AS tools
# g++ is for PyTorch, which compiles long runs. Versions are those of the Debian release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 reader \
    && install --directory --owner=1000 --group=1000 /isoae /isoae/build
USER 1000

FROM tools
WORKDIR /isoae
COPY --chown=1000:1000 . .
# An index with PyTorch without CUDA saves 4 GB: --build-arg PIP_EXTRA_INDEX_URL=ADDRESS
ARG PIP_EXTRA_INDEX_URL
RUN PIP_NO_CACHE_DIR=1 make install
# All other caches are in build/ already, which a volume keeps.
ENV PIP_CACHE_DIR=/isoae/build/cache/pip
CMD ["make", "book"]
