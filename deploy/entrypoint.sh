#!/bin/sh
# Names the jars of this image for spark-submit, so that no job resolves packages at its start.
set -eu
jars=$(printf 'local:%s,' /opt/arrears/jars/*.jar)
export ARREARS_SPARK_JARS="${jars%,}"
exec "$@"
