"""rsyncd: configuration, who may connect, what a module confines, and the process that listens."""
