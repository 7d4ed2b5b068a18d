"""What can be seen from outside: log lines, metrics, health. Business code says what happened, once."""
