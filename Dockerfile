# aditd and adit on Debian 12.
#   docker build -t adit .
#   docker run --rm --network host --cap-drop ALL --cap-add NET_ADMIN \
#       -v /etc/adit:/etc/adit:ro -v /var/lib/adit:/var/lib/adit adit
# The WireGuard interface is the host's, so the host's network is used. Folders belong to uid 10001.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/packages scripts/packages
RUN scripts/packages build
COPY . .
RUN cmake --preset release -DADIT_TESTS=OFF \
    && cmake --build --preset release --target aditd adit \
    && DESTDIR=/out cmake --install build/release --prefix /usr/local --strip

FROM debian:bookworm-slim
COPY --from=build /out/usr/local/bin/ /usr/local/bin/
# The capability comes with the file, since containers give none to users that are not root; it needs --cap-add too.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates libcap2-bin libcurl4 libfmt9 libqrencode4 \
        libsecp256k1-1 libsodium23 libspdlog1.10 libsqlite3-0 libssl3 libtomlplusplus3 libwebsockets17 \
    && setcap cap_net_admin+ep /usr/local/bin/aditd \
    && apt-get purge -y -qq --auto-remove libcap2-bin \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /var/lib/adit --shell /usr/sbin/nologin adit \
    && install -d -m 0700 -o adit -g adit /var/lib/adit

USER 10001:10001
VOLUME /var/lib/adit
EXPOSE 8080
# For the port of the example config; another one is told by ADIT_PORT. bash, since nothing else here speaks HTTP.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${ADIT_PORT:-8080} && printf 'GET /health?live HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [[ $status == 200 ]]"]
ENTRYPOINT ["/usr/local/bin/aditd"]
