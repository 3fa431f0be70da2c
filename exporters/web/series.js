/* series.js: figures over time, out of what /api/v1/history tells. Pure. */

import { milliseconds } from "./model.js";

/**
 * @typedef {object} Slot     one step of time
 * @property {number} start   ms since 1970
 * @property {number} rate    requests a second
 * @property {number} failedRate
 * @property {number} requests
 * @property {number} failed
 * @property {number|null} p50
 * @property {number|null} p95
 * @property {number|null} p99
 *
 * @typedef {{step: number, slots: Slot[]}} Series  step: seconds
 */

/**
 * @param {import("./details.js").Past|null} past
 * @returns {Series|null} null: there is nothing to draw
 */
export function seriesOf(past) {
  const step = past?.step_seconds ?? 0;
  if (!past || !(step > 0) || past.points.length < 2) return null;
  const slots = past.points.map((point) => {
    const seconds = point.seconds ?? point.client_seconds ?? point.server_seconds ?? null;
    return {
      start: milliseconds(point.start_unix_nano),
      rate: point.requests / step,
      failedRate: point.failed / step,
      requests: point.requests,
      failed: point.failed,
      p50: seconds?.p50 ?? null,
      p95: seconds?.p95 ?? null,
      p99: seconds?.p99 ?? null,
    };
  });
  return { step, slots };
}

/**
 * The steps of a curve, each as wide as its slot: an outline from left to right, in pieces where
 * nothing was observed.
 * @param {Slot[]} slots
 * @param {(slot: Slot) => number|null} value
 * @param {number} top    what the height stands for
 * @param {number} width
 * @param {number} height
 */
export function outline(slots, value, top, width, height) {
  const y = (/** @type {number} */ v) => (height - (top > 0 ? v / top : 0) * (height - 2) - 1).toFixed(1);
  const x = (/** @type {number} */ index) => ((index / slots.length) * width).toFixed(1);
  let path = "";
  let inside = false;
  slots.forEach((slot, index) => {
    const v = value(slot);
    if (v !== null) path += `${inside ? "L" : "M"}${x(index)},${y(v)}L${x(index + 1)},${y(v)}`;
    inside = v !== null;
  });
  return path;
}

/**
 * @param {Slot[]} slots
 * @param {(slot: Slot) => number|null} value
 */
export function highest(slots, value) {
  return slots.reduce((top, slot) => Math.max(top, value(slot) ?? 0), 0);
}
