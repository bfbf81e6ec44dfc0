"""The soak: minutes of scrapes while AWS hangs, drips and refuses, and the clock jumps."""
