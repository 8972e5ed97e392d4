"""What ``ci/bench`` runs: workloads, measuring, reports. Apart from the tests, which never time anything."""
