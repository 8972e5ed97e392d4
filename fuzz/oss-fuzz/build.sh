#!/bin/bash
# Called by OSS-Fuzz and ClusterFuzzLite in the directory of the checkout: each target becomes a program in $OUT, with
# its seed corpus, dictionary and options beside it. CC, CFLAGS and the sanitizer come from the image.
set -eu
pip3 install ".[fuzz]"

# The corpora are in the checkout and not in the package, and only what is installed has the C kernel.
layout=$(mktemp -d)
REFSYNC_CORPUS=$PWD/corpus python3 -m refsync_fuzz export --out "$layout"
mv "$layout"/*.zip "$layout"/*.dict "$layout"/*.options "$OUT"

for program in "$layout"/*.py; do
    compile_python_fuzzer "$program" --collect-all refsync --collect-submodules refsync_fuzz \
        --collect-data refsync_fuzz --hidden-import _cffi_backend
done
rm -r "$layout"
