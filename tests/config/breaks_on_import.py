"""A stranger's module that cannot be imported."""

raise RuntimeError("broken on purpose")
