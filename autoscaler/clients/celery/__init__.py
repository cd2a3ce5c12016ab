"""Speaking to Celery workers: remote control and events, over Redis and over AMQP."""
