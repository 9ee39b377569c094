# syntax=docker/dockerfile:1
#
# One static binary and nothing else: no shell, no libraries, no package manager.
#
#   docker build -t bess:dev .          or `make image`, around a binary that cargo has built here
#   docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8000:8000 -e BESS_ALLOW_OPEN_API=true bess:dev
#
# docs/containers.md says what is in it and how it is run.

# renovate: datasource=docker depName=rust
ARG RUST=1.95-bookworm

FROM rust:${RUST} AS tools
ARG CYCLONEDX=0.5.9
RUN cargo install --locked --root /tools "cargo-cyclonedx@${CYCLONEDX}"

FROM rust:${RUST} AS build
WORKDIR /src
COPY --from=tools /tools/bin/ /usr/local/bin/
COPY Cargo.toml Cargo.lock deny.toml LICENSE ./
COPY core core
COPY simulation simulation
COPY scenarios scenarios
COPY protocol protocol
COPY api api
COPY cli cli
COPY benches benches
COPY docs docs
# The same flags as `make image`. The C library is part of the binary; relocations are packed.
ENV RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs"
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    target="$(uname -m)-unknown-linux-gnu" \
    && cargo build --locked --profile image --target "$target" -p bess-cli \
    && cli/packaging/image/licences.py --static --target "$target" /out/THIRD-PARTY.txt \
    && cli/packaging/image/sbom.sh "$target" /out/sbom.cdx.json \
    && cli/packaging/image/rootfs.sh "target/$target/image/bess" /out/THIRD-PARTY.txt /out/sbom.cdx.json /

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="bess" \
      org.opencontainers.image.description="A battery farm for software to meet: Modbus TCP, REST and metrics" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="scratch"
COPY --from=build /rootfs/ /
# Folders of its own: an owner is set for what is copied, not for a folder that is copied into.
COPY --from=build --chown=65532:65532 /owned/lib/ /var/lib/
COPY --from=build --chown=65532:65532 /owned/log/ /var/log/
# On all addresses of the container. Who may use REST is still to be said: BESS_TOKENS, BESS_TOKEN_HASHES or
# BESS_ALLOW_OPEN_API.
ENV BESS_BIND=0.0.0.0 \
    BESS_STATE=/var/lib/bess \
    BESS_LOG_FORMAT=json
USER 65532:65532
WORKDIR /var/lib/bess
VOLUME ["/var/lib/bess"]
EXPOSE 5020 8000 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/usr/bin/bess", "healthcheck"]
ENTRYPOINT ["/usr/bin/bess"]
CMD ["serve"]
