"""What running the daemon costs: `python -m bench` runs every part, each also runs alone."""
