"""The program: command line, logs, output, signals and exit codes.

`exporter.__main__` runs it; `--demo` runs it on the simulated account.
"""
