import assert from "node:assert/strict";
import { test } from "node:test";

import { columnsFor, edgeColumns, edgeRows, nextSort, SERVICE_COLUMNS, serviceRows, sortOf, sortRows } from "../../exporters/web/columns.js";
import { History } from "../../exporters/web/history.js";
import { readMap } from "../../exporters/web/model.js";
import { sample } from "./sample.js";

const map = readMap(sample());
const TYPES = { service: "service", database: "database" };
const NO_BEFORE = { change: "", rate_before: null, share_before: null, p95_before: null };
const CONNECTIONS = { "": { label: "call" }, database: { label: "database" } };

test("every column has a value in every row", () => {
  const tables = [
    { columns: SERVICE_COLUMNS, rows: serviceRows(map, new History(), "", TYPES), count: 3 },
    { columns: edgeColumns("p95"), rows: edgeRows(map, new History(), "", CONNECTIONS, "p95"), count: 2 },
  ];
  for (const { columns, rows, count } of tables) {
    assert.equal(rows.length, count);
    for (const row of rows) for (const column of columns) assert.ok(column.id in row.values, column.id);
  }
});

test("values are those of the map", () => {
  const service = serviceRows(map, new History(), "shop", TYPES)[0];
  assert.deepEqual(service?.values, {
    name: "shop/b", type: "service", rate: null, live_share: null, requests: 10, failed: 1, share: 0.1,
    p50: 0.1, p95: 0.2, p99: 0.3, max: 0.4, window_rate: 0.01, ...NO_BEFORE,
  });
  const edge = edgeRows(map, new History(), "db", CONNECTIONS, "max")[0];
  assert.deepEqual(edge?.values, {
    client: "shop/b", server: "db", type: "database", rate: null, live_share: null, requests: 4, failed: 0, share: 0,
    client_seconds: 0.4, server_seconds: null, network_seconds: null, messaging_seconds: null, window_rate: 0.004, ...NO_BEFORE,
  });
});

test("a search finds edges by either end", () => {
  assert.equal(edgeRows(map, new History(), "shop", CONNECTIONS, "p95").length, 2);
  assert.equal(edgeRows(map, new History(), "nothing", CONNECTIONS, "p95").length, 0);
});

test("what was not observed stands last in both directions", () => {
  const order = (/** @type {string} */ sort) =>
    sortRows(serviceRows(map, new History(), "", TYPES), sort).map((row) => row.values.name);
  assert.deepEqual(order("p95"), ["shop/b", "db", "a"]);
  assert.deepEqual(order("-p95"), ["shop/b", "db", "a"]);
  assert.deepEqual(order("requests"), ["a", "db", "shop/b"]);
  assert.deepEqual(order("-requests"), ["shop/b", "db", "a"]);
  assert.deepEqual(order("name"), ["a", "db", "shop/b"]);
  assert.deepEqual(order("-name"), ["shop/b", "db", "a"]);
});

test("numbers in names sort as numbers", () => {
  const row = (/** @type {string} */ name) => ({ key: name, values: { name } });
  assert.deepEqual(sortRows([row("n10"), row("n9"), row("n100")], "name").map((r) => r.key), ["n9", "n10", "n100"]);
});

test("an unknown order falls back, a click turns", () => {
  assert.equal(sortOf(SERVICE_COLUMNS, ""), "-requests");
  assert.equal(sortOf(SERVICE_COLUMNS, "client_seconds"), "-requests");
  assert.equal(sortOf(SERVICE_COLUMNS, "-p99"), "-p99");
  const p99 = SERVICE_COLUMNS.find((column) => column.id === "p99");
  const name = SERVICE_COLUMNS.find((column) => column.id === "name");
  assert.ok(p99 && name);
  assert.equal(nextSort(p99, "name"), "-p99");
  assert.equal(nextSort(p99, "-p99"), "p99");
  assert.equal(nextSort(p99, "p99"), "-p99");
  assert.equal(nextSort(name, "name"), "-name");
});

test("a window has its own rate, a comparison what was before", () => {
  const ids = (/** @type {import("../../exporters/web/columns.js").Mode} */ mode) => columnsFor(SERVICE_COLUMNS, mode).map((column) => column.id);
  assert.deepEqual(ids("start"), SERVICE_COLUMNS.map((column) => column.id));
  assert.deepEqual(ids("window").slice(0, 4), ["name", "type", "window_rate", "requests"]);
  assert.ok(!ids("window").includes("live_share"));
  assert.deepEqual(ids("compare").slice(-3), ["rate_before", "share_before", "p95_before"]);
  const answer = sample();
  const compared = readMap({
    ...answer, before: { window: { start_unix_nano: "0", end_unix_nano: "500000000000" } },
    nodes: answer.nodes.map((node) => ({ ...node, change: ["slower", "failing"],
      before: node.name === "b" ? { requests: 1000, failed: 10, seconds: node.seconds } : null })),
  });
  const [a, b] = ["a", "b"].map((name) => serviceRows(compared, new History(), "", TYPES).find((row) => row.node?.name === name)?.values);
  assert.equal(b?.change, "slower, fails more");
  assert.equal(b?.rate_before, 2);
  assert.equal(b?.share_before, 0.01);
  assert.equal(b?.p95_before, 0.2);
  assert.equal(a?.rate_before, null);
});
