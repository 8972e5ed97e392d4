#!/usr/bin/env python3
"""libFuzzer's executable for the target ``flist_incremental``."""

from refsync_fuzz.harness import main

main("flist_incremental")
