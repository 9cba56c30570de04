# The program alone in an image: no shell, no package manager, nobody but its own user. It cannot write anywhere but below
# /trueup/var, /trueup/out and, if one is mounted, /tmp. docs/operations.md says how to run it; `make deploy` checks this
# file, builds from what .dockerignore lets in and runs the result the way the last stage says.
#
#   docker build --build-arg VERSION=1.2.3 -t trueup:1.2.3 .

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make build VERSION="$VERSION" GOOS="$TARGETOS" GOARCH="$TARGETARCH"
RUN mkdir -p /empty/var /empty/out

FROM scratch
ARG VERSION=devel
LABEL org.opencontainers.image.title="trueup" org.opencontainers.image.version="$VERSION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /empty/ /trueup/
COPY --from=build /src/bin/trueup /usr/bin/trueup
# A number, so that an orchestrator can tell that it is not root; there is no /etc/passwd to look a name up in.
USER 65532:65532
WORKDIR /trueup
VOLUME ["/trueup/var", "/trueup/out"]
ENTRYPOINT ["/usr/bin/trueup"]
