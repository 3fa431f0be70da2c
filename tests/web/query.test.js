import assert from "node:assert/strict";
import { test } from "node:test";

import { USUAL } from "../../exporters/web/link.js";
import { keyOfNodeId, readMap } from "../../exporters/web/model.js";
import { drawingQuery, drawingWords, isSinceStart, itemQuery, mapQuery, mapWords, resolve } from "../../exporters/web/query.js";
import { sample } from "./sample.js";

test("usually nothing but the map is asked for", () => {
  assert.equal(mapQuery(USUAL, 1000), "");
  assert.equal(drawingQuery(USUAL, 1000), "");
  assert.ok(isSinceStart(USUAL));
});

test("a moment in the past has a window, and what is before it is reckoned from it", () => {
  assert.equal(mapQuery({ ...USUAL, window: "1h" }, 5), "?window=1h");
  assert.equal(mapQuery({ ...USUAL, at: 10_000, compare: "1h", window: "1m" }, 99_999), "?window=1m&at=10000&compare=6400");
  assert.equal(mapQuery({ ...USUAL, window: "5m", compare: "5m" }, 10_000.7), "?window=5m&compare=9700");
  for (const change of [{ window: "1h" }, { at: 9 }, { compare: "5m" }]) assert.ok(!isSinceStart({ ...USUAL, ...change }));
});

test("the drawing has words of its own", () => {
  const link = { ...USUAL, focus: keyOfNodeId("service/ü b/a&c"), depth: 2, figure: "p99", cluster: "namespace", minRate: "0.5", collapse: "all" };
  assert.equal(drawingQuery(link, 0),
    "?focus=service%2F%C3%BC%20b%2Fa%26c&depth=2&figure=p99&cluster=namespace&min_rate=0.5&collapse=all");
  assert.equal(mapQuery(link, 0), "");
  assert.notEqual(drawingWords(link), drawingWords({ ...link, depth: 3 }));
  assert.notEqual(drawingWords(link), drawingWords({ ...link, at: 7 }));
  assert.equal(mapWords(link), mapWords(USUAL));
});

test("a node and an edge are named by their ids", () => {
  const map = readMap(sample());
  assert.equal(itemQuery(map, keyOfNodeId("service/shop/b"), USUAL), "?node=service%2Fshop%2Fb");
  assert.equal(itemQuery(map, "edge:service/shop/b|database//db|database", { ...USUAL, window: "5m" }),
    "?client=service%2Fshop%2Fb&server=database%2F%2Fdb&connection_type=database&window=5m");
  assert.equal(itemQuery(map, "node:service//nobody", USUAL), null);
});

test("the usual window is five minutes, once spanmap is older than that", () => {
  const abilities = { start: 1_000_000, windowSeconds: 3600 };
  const windowOf = (/** @type {Partial<import("../../exporters/web/link.js").Link>} */ change, /** @type {number} */ now) =>
    resolve({ ...USUAL, ...change }, abilities, now).window;
  assert.equal(windowOf({}, 1299), "");
  assert.equal(windowOf({}, 1301), "5m");
  assert.equal(windowOf({ window: "all" }, 9999), "");
  assert.equal(windowOf({ window: "1m" }, 1001), "1m");
  assert.equal(windowOf({ at: 1100 }, 1200), "5m");
  assert.equal(windowOf({ compare: "1m", window: "all" }, 1200), "5m");
  assert.equal(resolve(USUAL, { start: 0, windowSeconds: 3600 }, 9999).window, "");
  assert.deepEqual(resolve({ ...USUAL, window: "1h", at: 7, compare: "1m" }, { start: 1, windowSeconds: 0 }, 9999), USUAL);
});
