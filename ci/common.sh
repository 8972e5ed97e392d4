# Sourced by the scripts beside it: where things are, and how they talk.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=${REFSYNC_VENV:-$ROOT/.venv}
PYTHON=$VENV/bin/python
CORES=$(nproc 2>/dev/null || echo 1)

export PIP_DISABLE_PIP_VERSION_CHECK=1
cd "$ROOT"

stage() { printf '==> %s\n' "$*"; }

# Exit 3: the machine or the network is at fault, not the code that is judged.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}
