import assert from "node:assert/strict";
import { test } from "node:test";

import {
  failureLevel, fullName, keyOfEdge, keyOfNodeId, nameOf, nameOfId, neighbourhood, nodeMatches, partsOfKey, readMap,
  structureOf, sumOf,
} from "../../exporters/web/model.js";
import { sample } from "./sample.js";

test("readMap indexes nodes and edges", () => {
  const map = readMap(sample());
  assert.equal(map.version, "1.2.3");
  assert.equal(map.start, 1_000_000);
  assert.equal(map.end, 2_000_000);
  assert.equal(map.nodeByKey.get("node:service//a")?.name, "a");
  assert.equal(map.edgeByKey.get("edge:service//a|service/shop/b|")?.requests, 10);
  assert.equal(map.edgeByKey.get("edge:service/shop/b|database//db|database")?.requests, 4);
  assert.deepEqual(map.incoming.get("service/shop/b")?.map(keyOfEdge), ["edge:service//a|service/shop/b|"]);
  assert.deepEqual(map.outgoing.get("database//db"), []);
});

test("readMap keeps milliseconds of large times", () => {
  const answer = sample();
  answer.window.end_unix_nano = "1790000000123456789";
  assert.equal(readMap(answer).end, 1790000000123);
});

test("readMap refuses what is no map", () => {
  const { accounting, ...without } = sample();
  for (const answer of [null, 1, "x", [], {}, { nodes: [], edges: [] }, without,
    { ...sample(), window: { start_unix_nano: "-1", end_unix_nano: "x" } }]) {
    assert.throws(() => readMap(answer));
  }
  assert.ok(accounting);
});

test("keys are plain ASCII and name one element only", () => {
  const hostile = ["a|b", "a&b=c#d", "<script>", "%41", "ü/é", "a b", "'!()*", "\ud800", "\u{1f600}", "a\nb"];
  const keys = hostile.map((name) => keyOfNodeId(`service//${name}`));
  assert.equal(new Set(keys).size, hostile.length);
  for (const key of keys) assert.match(key, /^node:[A-Za-z0-9\-._~/%]+$/);
  assert.equal(keyOfNodeId("service//a|b"), "node:service//a%7Cb");
  assert.equal(keyOfNodeId("service//'!()*"), "node:service//%27%21%28%29%2A");
  assert.equal(keyOfNodeId("service//ü"), "node:service//%C3%BC");
  assert.equal(keyOfNodeId("service//\ud800"), "node:service//%EF%BF%BD");
});

test("partsOfKey reads what keys write, and nothing else", () => {
  assert.deepEqual(partsOfKey(keyOfNodeId("service//a|b c")), { kind: "node", ids: ["service//a|b c"] });
  const edge = { ...sample().edges[0], client: "service//x|y", server: "service//z" };
  assert.deepEqual(partsOfKey(keyOfEdge(/** @type {any} */ (edge))), { kind: "edge", ids: ["service//x|y", "service//z"] });
  for (const wrong of ["", "node:", "x:y", "edge:a|b", "edge:a", "node:a|b", "node:%zz"]) assert.equal(partsOfKey(wrong), null);
});

test("names of nodes", () => {
  const map = readMap(sample());
  assert.equal(nameOf(map, "service/shop/b"), "shop/b");
  assert.equal(nameOf(map, "service//gone/with/slashes"), "gone/with/slashes");
  assert.equal(nameOfId("odd"), "odd");
  assert.equal(fullName(map.nodes[1]), "a");
});

test("neighbourhood holds what touches", () => {
  const map = readMap(sample());
  assert.deepEqual([...neighbourhood(map, "node:service/shop/b")].sort(), [
    "edge:service//a|service/shop/b|", "edge:service/shop/b|database//db|database",
    "node:database//db", "node:service//a", "node:service/shop/b",
  ]);
  assert.deepEqual([...neighbourhood(map, "edge:service//a|service/shop/b|")].sort(),
    ["edge:service//a|service/shop/b|", "node:service//a", "node:service/shop/b"]);
  assert.deepEqual([...neighbourhood(map, "node:nowhere")], ["node:nowhere"]);
});

test("structureOf changes with elements, not with numbers", () => {
  const before = structureOf(readMap(sample()));
  assert.equal(structureOf(readMap(sample({ requests: 99 }))), before);
  const less = sample();
  less.edges.pop();
  assert.notEqual(structureOf(readMap(less)), before);
});

test("nodeMatches wants every word, in any case", () => {
  const node = readMap(sample()).nodes[2];
  for (const query of ["", "B", "shop", "SHOP b", "service b", "shop/b"]) assert.ok(nodeMatches(node, query), query);
  for (const query of ["c", "serv", "shop c", "shopb"]) assert.ok(!nodeMatches(node, query), query);
});

test("failureLevel rises at its shares", () => {
  const levels = [[0, 0], [10, 0], [1000, 9], [1000, 10], [1000, 49], [1000, 50], [1, 1]];
  assert.deepEqual(levels.map(([requests, failed]) => failureLevel(requests, failed)), [0, 0, 1, 2, 2, 3, 3]);
});

test("sumOf adds reasons", () => {
  assert.equal(sumOf({}), 0);
  assert.equal(sumOf({ a: 1, b: 2 }), 3);
});
