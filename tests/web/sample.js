/* A small map for the tests, in the JSON of the contract. */

/**
 * @param {Partial<Record<"requests"|"failed"|"start"|"end", number>>} [change]
 */
export function sample({ requests = 10, failed = 1, start = 1_000_000, end = 2_000_000 } = {}) {
  const seconds = { count: requests, sum: 1, p50: 0.1, p95: 0.2, p99: 0.3, max: 0.4 };
  return {
    spanmap: "1.2.3",
    window: { start_unix_nano: `${start}000000`, end_unix_nano: `${end}000000` },
    nodes: [
      { id: "database//db", type: "database", namespace: "", name: "db", requests: 4, failed: 0, seconds: null },
      { id: "service//a", type: "service", namespace: "", name: "a", requests: 0, failed: 0, seconds: null },
      { id: "service/shop/b", type: "service", namespace: "shop", name: "b", requests, failed, seconds },
    ],
    edges: [
      { client: "service//a", server: "service/shop/b", connection_type: "", requests, failed,
        client_seconds: seconds, server_seconds: seconds, network_seconds: null, messaging_seconds: null },
      { client: "service/shop/b", server: "database//db", connection_type: "database", requests: 4, failed: 0,
        client_seconds: seconds, server_seconds: null, network_seconds: null, messaging_seconds: null },
    ],
    accounting: {
      received: 35, internal: 3, paired: 20, waiting: 2, duplicate: 1,
      unpaired: { parent_missing: 1, late: 0, no_server: 4 }, dropped: { evicted: 3 }, rejected: { invalid_id: 1 },
    },
  };
}
