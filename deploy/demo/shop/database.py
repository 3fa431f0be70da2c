"""SQLite, a file for each service that has one, instrumented with its name."""

import contextlib
import sqlite3

from opentelemetry.instrumentation import dbapi

from . import discovery


class Connection(sqlite3.Connection):
    """One that knows the name of its database, which sqlite3's own does not tell."""

    database = ""


@contextlib.contextmanager
def open_database(name):
    """A transaction, as a cursor."""
    connection = sqlite3.connect(discovery.DIRECTORY / f"{name}.db", timeout=10, factory=Connection)
    connection.database = name
    traced = dbapi.instrument_connection("shop", connection, "sqlite", {"database": "database"})
    try:
        with contextlib.closing(traced.cursor()) as cursor:
            yield cursor
        traced.commit()
    finally:
        connection.close()


def make(name, statements):
    """Makes a database before anything is traced."""
    with contextlib.closing(sqlite3.connect(discovery.DIRECTORY / f"{name}.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
