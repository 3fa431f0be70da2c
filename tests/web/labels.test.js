import assert from "node:assert/strict";
import { test } from "node:test";

import { chooseLabels, textWidth } from "../../exporters/web/labels.js";

/**
 * @param {string} key
 * @param {number} x
 * @param {number} y
 * @param {number} [weight]
 */
function label(key, x, y, weight = 0) {
  return { key, x, y, letters: 10, weight };
}

test("all are written where there is room", () => {
  const labels = [label("a", 0, 0), label("b", textWidth(10, 12), 0), label("c", 0, 13)];
  assert.deepEqual([...chooseLabels(labels, 12)].sort(), ["a", "b", "c"]);
});

test("of two that collide the busier one is written", () => {
  assert.deepEqual([...chooseLabels([label("a", 0, 0, 1), label("b", 20, 5, 2)], 12)], ["b"]);
  assert.deepEqual([...chooseLabels([label("b", 0, 0), label("a", 20, 5)], 12)], ["a"]);
});

test("nothing written lies over another, however many there are", () => {
  const labels = Array.from({ length: 500 }, (_, i) => label(`n${i}`, (i * 7919) % 1000, (i * 104729) % 800, i % 13));
  const chosen = labels.filter(({ key }) => chooseLabels(labels, 20).has(key));
  assert.ok(chosen.length > 50);
  for (const a of chosen) {
    for (const b of chosen) {
      const apart = Math.abs(a.x - b.x) >= textWidth(10, 20) - 1e-9 || Math.abs(a.y - b.y) >= 20;
      assert.ok(a === b || apart, `${a.key} ${b.key}`);
    }
  }
});
