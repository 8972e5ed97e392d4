#!/bin/bash
# Called by OSS-Fuzz and ClusterFuzzLite in the directory of the checkout: each target becomes a program in $OUT, with
# its seed corpus, dictionary and options beside it. CC, CFLAGS and the sanitizer come from the image.
set -eu
pip3 install ".[fuzz]"

# The corpora are in the checkout and not in the package.
layout=$(mktemp -d)
PYTHONPATH=$PWD/fuzz:$PWD/reference:$PWD/conformance python3 -m refsync_fuzz export --out "$layout"
mv "$layout"/*.zip "$layout"/*.dict "$layout"/*.options "$OUT"

for program in "$layout"/*.py; do
    compile_python_fuzzer "$program" --collect-all refsync --collect-submodules refsync_fuzz
done
rm -r "$layout"
