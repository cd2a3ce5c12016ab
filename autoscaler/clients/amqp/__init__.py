"""AMQP in a thread of its own."""
