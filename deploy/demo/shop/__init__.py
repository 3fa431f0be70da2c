"""A small shop of real services. Each module with a `main` is a process of its own:

    user -> frontend -> recommendations -> catalog -> SQLite, Redis
                     -> catalog
                     -> checkout -> inventory -> SQLite                 (gRPC, slow)
                                 -> payment -> api.partner.example      (gRPC, fails now and then)
                                 -> SQLite
                                 -> queue in Redis -> fulfilment -> SQLite

HTTP, gRPC, Redis and SQLite are instrumented by OpenTelemetry's own packages, the queue
by hand as the semantic conventions ask. The partner's server is not instrumented.
"""
