#!/usr/bin/env python3
"""libFuzzer's executable for the target ``xattr_wire``."""

from refsync_fuzz.harness import main

main("xattr_wire")
