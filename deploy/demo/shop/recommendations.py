"""What goes well with a product, from a cache or else from the catalog."""

from flask import Flask

from . import telemetry, web
from .cache import Cache

app = Flask("recommendations")
catalog = web.Peer("catalog")


@app.get("/like/<int:product>")
def like(product):
    return app.config["cache"].get(
        f"like:{product}", lambda: [row for row in catalog.get("/products") if row["id"] != product])


def main():
    with telemetry.service("recommendations"):
        app.config["cache"] = Cache()
        web.serve(app, "recommendations")


if __name__ == "__main__":
    main()
