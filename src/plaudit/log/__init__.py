"""The log: accepted events, durable before anybody is told so, read back in order."""
