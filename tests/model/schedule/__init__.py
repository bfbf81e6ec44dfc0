"""When rules run, and how long they rest."""
