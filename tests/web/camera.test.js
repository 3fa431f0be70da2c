import assert from "node:assert/strict";
import { test } from "node:test";

import { anchor, fit, nearest, reveal, SCALE_MAX, SCALE_MIN, zoom } from "../../exporters/web/camera.js";

const VIEW = { x: 0, y: 0, width: 1000, height: 500 };

/**
 * @param {import("../../exporters/web/camera.js").Camera} camera
 * @param {{x: number, y: number}} point
 */
function onScreen({ x, y, scale }, point) {
  return { x: point.x * scale + x, y: point.y * scale + y };
}

test("fit shows all of it, in the middle", () => {
  const content = { x: -100, y: 50, width: 4000, height: 400 };
  const camera = fit(content, VIEW);
  const from = onScreen(camera, content);
  const to = onScreen(camera, { x: content.x + content.width, y: content.y + content.height });
  assert.ok(from.x >= 0 && from.y >= 0 && to.x <= VIEW.width && to.y <= VIEW.height);
  assert.ok(Math.abs(from.x - (VIEW.width - to.x)) < 1e-9);
  assert.ok(Math.abs(from.y - (VIEW.height - to.y)) < 1e-9);
});

test("fit does not blow up a small map, nor fail at none", () => {
  assert.ok(fit({ x: 0, y: 0, width: 10, height: 10 }, VIEW).scale < 2);
  const none = fit({ x: 0, y: 0, width: 0, height: 0 }, { x: 0, y: 0, width: 0, height: 0 });
  assert.ok(Number.isFinite(none.x) && none.scale > 0);
});

test("zoom keeps the point under the pointer, within its bounds", () => {
  const camera = { x: 10, y: 20, scale: 1 };
  const at = { x: 300, y: 200 };
  const below = { x: (at.x - camera.x) / camera.scale, y: (at.y - camera.y) / camera.scale };
  for (const factor of [0.5, 2, 1e9, 1e-9]) {
    const after = zoom(camera, factor, at);
    const now = onScreen(after, below);
    assert.ok(Math.abs(now.x - at.x) < 1e-6 && Math.abs(now.y - at.y) < 1e-6);
    assert.ok(after.scale <= SCALE_MAX && after.scale >= SCALE_MIN);
  }
});

test("reveal moves only what is needed", () => {
  const camera = { x: 0, y: 0, scale: 1 };
  assert.deepEqual(reveal(camera, { x: 100, y: 100, width: 50, height: 50 }, VIEW), camera);
  assert.equal(reveal(camera, { x: 990, y: 100, width: 50, height: 50 }, VIEW, 24).x, 1000 - 24 - 1040);
  assert.equal(reveal(camera, { x: -80, y: 100, width: 50, height: 50 }, VIEW, 24).x, 104);
  const large = reveal(camera, { x: 0, y: 0, width: 3000, height: 10 }, VIEW, 24);
  assert.equal(large.x + 1500, 500);
});

test("anchor holds a node still when the drawing moves under it", () => {
  const camera = { x: 5, y: 6, scale: 2 };
  const before = { x: 100, y: 100 };
  const after = { x: 140, y: 70 };
  assert.deepEqual(onScreen(anchor(camera, before, after), after), onScreen(camera, before));
});

test("nearest goes as an arrow key does", () => {
  const points = [{ x: 0, y: 0 }, { x: 100, y: 5 }, { x: 60, y: 200 }, { x: -50, y: 0 }];
  const from = { x: 0, y: 0 };
  assert.equal(nearest(from, { x: 1, y: 0 }, points), 1);
  assert.equal(nearest(from, { x: -1, y: 0 }, points), 3);
  assert.equal(nearest(from, { x: 0, y: 1 }, points), 1);
  assert.equal(nearest(from, { x: 0, y: -1 }, points), -1);
});
