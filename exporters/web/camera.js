/* camera.js: which part of the drawing is seen, and how large. Pure arithmetic.
 * A point p of the drawing stands on the screen at p * scale + (x, y).
 */

/**
 * @typedef {{x: number, y: number, scale: number}} Camera
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{x: number, y: number}} Point
 */

export const SCALE_MIN = 0.02;
export const SCALE_MAX = 4;
/** A small map is not blown up beyond this when it is fitted. */
const FIT_SCALE_MAX = 1.35;

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * All of `content` in the middle of `view`, with a margin around it.
 * @param {Box} content in the drawing
 * @param {Box} view    on the screen
 * @param {number} [margin]
 * @returns {Camera}
 */
export function fit(content, view, margin = 32) {
  const width = Math.max(view.width - 2 * margin, 1);
  const height = Math.max(view.height - 2 * margin, 1);
  const wanted = Math.min(width / Math.max(content.width, 1), height / Math.max(content.height, 1));
  const scale = clamp(wanted, SCALE_MIN, FIT_SCALE_MAX);
  return {
    scale,
    x: view.x + view.width / 2 - (content.x + content.width / 2) * scale,
    y: view.y + view.height / 2 - (content.y + content.height / 2) * scale,
  };
}

/**
 * Zooms by `factor`; what is at the point `at` of the screen stays there.
 * @param {Camera} camera
 * @param {number} factor
 * @param {Point} at
 * @returns {Camera}
 */
export function zoom(camera, factor, at) {
  const scale = clamp(camera.scale * factor, SCALE_MIN, SCALE_MAX);
  const real = scale / camera.scale;
  return { scale, x: at.x - (at.x - camera.x) * real, y: at.y - (at.y - camera.y) * real };
}

/**
 * Moves as little as shows all of `target` (or its middle, if it is larger than the view).
 * @param {Camera} camera
 * @param {Box} target in the drawing
 * @param {Box} view   on the screen
 * @param {number} [margin]
 * @returns {Camera}
 */
export function reveal(camera, target, view, margin = 24) {
  return {
    scale: camera.scale,
    x: camera.x + revealShift(target.x * camera.scale + camera.x, target.width * camera.scale,
      view.x + margin, view.width - 2 * margin),
    y: camera.y + revealShift(target.y * camera.scale + camera.y, target.height * camera.scale,
      view.y + margin, view.height - 2 * margin),
  };
}

/**
 * @param {number} start
 * @param {number} length
 * @param {number} viewStart
 * @param {number} viewLength
 */
function revealShift(start, length, viewStart, viewLength) {
  if (length > viewLength) return viewStart + viewLength / 2 - (start + length / 2);
  if (start < viewStart) return viewStart - start;
  return Math.min(0, viewStart + viewLength - (start + length));
}

/**
 * After a new drawing: the camera under which what stood at `before` now stands at `after`, so
 * that it does not move on the screen.
 * @param {Camera} camera
 * @param {Point} before
 * @param {Point} after
 * @returns {Camera}
 */
export function anchor(camera, before, after) {
  return {
    scale: camera.scale,
    x: camera.x + (before.x - after.x) * camera.scale,
    y: camera.y + (before.y - after.y) * camera.scale,
  };
}

/**
 * The box nearest to `from` in a direction, as an arrow key would go; -1: there is none.
 * @param {Point} from
 * @param {Point} direction one of (1,0) (-1,0) (0,1) (0,-1)
 * @param {Point[]} candidates
 */
export function nearest(from, direction, candidates) {
  let best = -1;
  let bestCost = Infinity;
  candidates.forEach((point, index) => {
    const dx = point.x - from.x;
    const dy = point.y - from.y;
    const along = dx * direction.x + dy * direction.y;
    const across = Math.abs(dx * direction.y) + Math.abs(dy * direction.x);
    if (along < 1) return;
    const cost = along + 2 * across;
    if (cost < bestCost) {
      best = index;
      bestCost = cost;
    }
  });
  return best;
}
