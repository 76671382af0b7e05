# aditd and adit on Debian 12, from the .deb that is built on the way.
#   docker build -t adit .
#   docker build --target deb --output type=local,dest=. .     the .deb alone, where no Debian 12 is at hand
# How it is run: docs/operations.md, "In containers". /etc/adit with all in it and /var/lib/adit belong to uid 10001.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/packages scripts/packages
RUN scripts/packages build package
COPY . .
RUN cmake --preset release \
    && cmake --build --preset release --target aditd adit \
    && cd build/release && cpack -G DEB && mkdir /deb && mv adit_*.deb /deb/

FROM scratch AS deb
COPY --from=build /deb/ /

FROM debian:bookworm-slim
# The capability comes with the file, since containers give none to users that are not root; it needs --cap-add too.
# wireguard-go is for hosts whose kernel has no WireGuard; they have to lend /dev/net/tun.
RUN --mount=type=bind,from=build,source=/deb,target=/deb \
    groupadd --gid 10001 adit \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/adit --shell /usr/sbin/nologin adit \
    && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /deb/adit_*.deb wireguard-go libcap2-bin \
    && setcap cap_net_admin+ep /usr/bin/aditd \
    && apt-get purge -y -qq --auto-remove libcap2-bin \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin

USER 10001:10001
VOLUME /var/lib/adit
# Plain HTTP for the proxy, and WireGuard.
EXPOSE 8080/tcp 51820/udp
STOPSIGNAL SIGTERM
# For the port of the example config; another one is told by ADIT_PORT. bash, since nothing else here speaks HTTP.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${ADIT_PORT:-8080} && printf 'GET /health?live HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [[ $status == 200 ]]"]
ENTRYPOINT ["/usr/bin/aditd"]
