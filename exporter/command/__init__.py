"""The command: command line, logging, output, signals and exit codes.

`exporter.__main__` runs it. With `--demo` it runs against the simulated account.
"""
