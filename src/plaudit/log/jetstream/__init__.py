"""The log in a stream of NATS JetStream: partitions, several machines, a majority of disks before a 200.

Nothing outside this package imports nats-py: a plain installation has none.
"""

from plaudit.log.jetstream.log import JetStreamLog

__all__ = ["JetStreamLog"]
