"""The store in a PostgreSQL database: what a cluster shares. Imported only where one is used; it needs psycopg."""

from plaudit.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
