"""What is polled."""
