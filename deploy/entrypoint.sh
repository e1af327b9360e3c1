#!/bin/sh
# Names the jars of this image for spark-submit, so that no job resolves packages at its start.
set -eu
if ! id -un >/dev/null 2>&1; then
    echo "uid $(id -u) has no name in /etc/passwd, and Hadoop, by which Spark reads files, needs one: run the image as" \
        "its own user (uid 10001), or mount an /etc/passwd with the uid" >&2
    exit 78
fi
jars=$(printf 'local:%s,' /opt/arrears/jars/*.jar)
export ARREARS_SPARK_JARS="${jars%,}"
exec "$@"
