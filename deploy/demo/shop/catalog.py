"""What is for sale: SQLite behind a cache."""

from flask import Flask

from . import telemetry, web
from .cache import Cache
from .database import make, open_database

PRODUCTS = ("anvil", "birdseed", "catapult", "dynamite", "earthquake pills", "female road-runner costume")
app = Flask("catalog")


def rows(statement, *values):
    with open_database("products") as cursor:
        return [{"id": number, "name": name}
                for number, name in cursor.execute(statement, values).fetchall()]


@app.get("/products")
def products():
    return app.config["cache"].get("products", lambda: rows("SELECT id, name FROM products"))


@app.get("/products/<int:product>")
def show(product):
    found = rows("SELECT id, name FROM products WHERE id = ?", product)
    return found[0] if found else ({"error": "no such product"}, 404)


def main():
    make("products", ["CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"]
         + [f"INSERT INTO products (name) VALUES ('{name}')" for name in PRODUCTS])
    with telemetry.service("catalog"):
        app.config["cache"] = Cache()
        web.serve(app, "catalog")


if __name__ == "__main__":
    main()
