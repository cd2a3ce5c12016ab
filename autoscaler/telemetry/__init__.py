"""How the daemon tells what it does: log, metrics, journal, recent ticks."""
