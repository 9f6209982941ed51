# One static binary in an empty image: docker build -t tls13d .
#   docker run --read-only --cap-drop=ALL -p 443:8443 -v /etc/tls13d:/etc/tls13d:ro tls13d
# The user 65532 must be able to read the configuration and the keys; ports below 1024 are the host's business (-p).
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY packages.list ./
COPY tools/setup.sh tools/
RUN tools/setup.sh build
COPY Makefile ./
COPY mk mk
COPY libtls13 libtls13
COPY daemon daemon
RUN make -j"$(nproc)" static

FROM scratch
COPY --from=build /src/build/static/tls13d /tls13d
USER 65532:65532
EXPOSE 8443
# Stops accepting and lets connections end, for up to drain-timeout: give docker stop more than that (--time 45).
STOPSIGNAL SIGTERM
# Asks the address of `admin` in the configuration; without one the image has nothing to ask: --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=5s CMD ["/tls13d", "status"]
ENTRYPOINT ["/tls13d"]
CMD ["--config", "/etc/tls13d/tls13d.ini"]
