import assert from "node:assert/strict";
import { test } from "node:test";

import { CURVE_SECONDS, History, LIVE_SECONDS } from "../../exporters/web/history.js";
import { readMap } from "../../exporters/web/model.js";
import { sample } from "./sample.js";

const NODE = "node:service/shop/b";
const EDGE = "edge:service//a|service/shop/b|";

/**
 * @param {History} history
 * @param {number} second
 * @param {number} requests
 * @param {number} [failed]
 * @param {number} [start]
 */
function add(history, second, requests, failed = 0, start = 1_000_000) {
  history.add(readMap(sample({ requests, failed, start, end: 2_000_000 + second * 1000 })));
}

test("one answer alone tells no rate", () => {
  const history = new History();
  assert.equal(history.recent(NODE), null);
  add(history, 0, 10);
  assert.equal(history.recent(NODE), null);
  assert.equal(history.recentSeconds(), 0);
  assert.deepEqual(history.curve(NODE), []);
});

test("rates come from differences, over what was seen of the window", () => {
  const history = new History();
  add(history, 0, 10);
  add(history, 10, 30, 5);
  assert.deepEqual(history.recent(NODE), { requests: 20, failed: 5, seconds: 10, rate: 2 });
  assert.deepEqual(history.recent(EDGE), { requests: 20, failed: 5, seconds: 10, rate: 2 });
  assert.equal(history.recentSeconds(), 10);
  assert.equal(history.recent("node:nowhere"), null);
});

test("only the window's answers count", () => {
  const history = new History();
  add(history, 0, 1000);
  for (let second = 10; second <= LIVE_SECONDS + 10; second += 10) add(history, second, 1000 + second);
  const recent = history.recent(NODE);
  assert.equal(recent?.seconds, LIVE_SECONDS);
  assert.equal(recent?.rate, 1);
});

test("what was not there has come since", () => {
  const history = new History();
  const before = sample({ end: 2_000_000 });
  before.nodes.pop();
  before.edges = [];
  history.add(readMap(before));
  add(history, 4, 8);
  assert.equal(history.recent(NODE)?.rate, 2);
});

test("another start forgets what was before", () => {
  const history = new History();
  add(history, 0, 100);
  add(history, 4, 5, 0, 1_999_000);
  assert.equal(history.recent(NODE), null);
  add(history, 8, 13, 0, 1_999_000);
  assert.equal(history.recent(NODE)?.rate, 2);
});

test("a clock that goes back forgets too, and the same answer counts once", () => {
  const history = new History();
  add(history, 10, 100);
  add(history, 10, 100);
  assert.equal(history.samples.length, 1);
  add(history, 5, 100);
  assert.equal(history.samples.length, 1);
});

test("curve has a point for each difference, and an end", () => {
  const history = new History();
  for (let second = 0; second <= 2 * CURVE_SECONDS; second += 10) add(history, second, second * 3, second);
  const points = history.curve(NODE);
  assert.equal(points.length, CURVE_SECONDS / 10);
  for (const point of points) {
    assert.equal(point.rate, 3);
    assert.equal(point.failedRate, 1);
  }
});

test("memory is bounded", () => {
  const history = new History();
  for (let i = 0; i < 2000; i++) history.add(readMap(sample({ end: 2_000_000 + i })));
  assert.equal(history.samples.length, 200);
});
