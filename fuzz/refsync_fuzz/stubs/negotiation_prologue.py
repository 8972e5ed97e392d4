#!/usr/bin/env python3
"""libFuzzer's executable for the target ``negotiation_prologue``."""

from refsync_fuzz.harness import main

main("negotiation_prologue")
