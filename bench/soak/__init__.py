"""The soak test: minutes of scrapes while AWS hangs, responds slowly or denies, and the clock jumps."""
