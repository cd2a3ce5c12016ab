"""Replays a trace of tasks in counted time, with the daemon's own controller or a rival's rule."""
