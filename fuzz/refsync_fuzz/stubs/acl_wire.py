#!/usr/bin/env python3
"""libFuzzer's executable for the target ``acl_wire``."""

from refsync_fuzz.harness import main

main("acl_wire")
