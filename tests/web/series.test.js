import assert from "node:assert/strict";
import { test } from "node:test";

import { highest, outline, seriesOf } from "../../exporters/web/series.js";

const seconds = { count: 4, sum: 1, p50: 0.1, p95: 0.2, p99: 0.3, max: 0.4 };
const past = {
  step_seconds: 5,
  points: [
    { start_unix_nano: "1000000000000", requests: 10, failed: 5, client_seconds: seconds, server_seconds: null },
    { start_unix_nano: "1005000000000", requests: 0, failed: 0, client_seconds: null, server_seconds: null },
    { start_unix_nano: "1010000000000", requests: 40, failed: 0, client_seconds: null, server_seconds: { ...seconds, p99: 0.9 } },
  ],
};

test("counts become rates, and what was not observed stays unknown", () => {
  const series = seriesOf(past);
  assert.equal(series?.step, 5);
  assert.deepEqual(series?.slots[0], { start: 1_000_000, rate: 2, failedRate: 1, requests: 10, failed: 5, p50: 0.1, p95: 0.2, p99: 0.3 });
  assert.equal(series?.slots[1]?.p95, null);
  assert.equal(series?.slots[2]?.p99, 0.9);
  assert.equal(highest(series?.slots ?? [], (slot) => slot.rate), 8);
});

test("nothing is drawn of nothing", () => {
  assert.equal(seriesOf(null), null);
  assert.equal(seriesOf({ step_seconds: 0, points: past.points }), null);
  assert.equal(seriesOf({ step_seconds: 5, points: past.points.slice(1, 2) }), null);
});

test("a curve goes in steps and has gaps", () => {
  const slots = seriesOf(past)?.slots ?? [];
  assert.equal(outline(slots, (slot) => slot.rate, 8, 30, 10), "M0.0,7.0L10.0,7.0L10.0,9.0L20.0,9.0L20.0,1.0L30.0,1.0");
  assert.equal(outline(slots, (slot) => slot.p99, 0.9, 30, 10).match(/M/g)?.length, 2);
  assert.equal(outline(slots, () => null, 1, 30, 10), "");
});
