/* history.js: what happened between two answers.
 * Is:     the counts of the last minutes as this page saw them, and rates from their differences.
 * Is not: the figures since spanmap's start, which every answer has itself.
 * Memory: at most SAMPLES_MAX answers, of each only two numbers an element.
 *
 * Times are spanmap's, not the browser's: a slow answer does not bend a rate.
 */

import { keyOfEdge, keyOfNodeId } from "./model.js";

/** The window of a live rate. */
export const LIVE_SECONDS = 60;
/** How far back curves go. */
export const CURVE_SECONDS = 300;
const SAMPLES_MAX = 200;

/**
 * @typedef {{time: number, counts: Map<string, [number, number]>}} Sample  ms; requests, failed
 * @typedef {{requests: number, failed: number, seconds: number, rate: number}} Recent
 * @typedef {{time: number, rate: number, failedRate: number}} Point
 */

export class History {
  constructor() {
    /** @type {Sample[]} */
    this.samples = [];
    /** When the map that is counted here began, ms. */
    this.start = 0;
  }

  /**
   * Remembers an answer. One of another start is another spanmap's life: its counts began anew.
   * @param {import("./model.js").ServiceMap} map
   */
  add(map) {
    const last = this.samples[this.samples.length - 1];
    if (map.start !== this.start || (last && map.end < last.time)) this.samples = [];
    this.start = map.start;
    if (this.samples.length > 0 && map.end === this.samples[this.samples.length - 1]?.time) return;
    /** @type {Map<string, [number, number]>} */
    const counts = new Map();
    for (const node of map.nodes) counts.set(keyOfNodeId(node.id), [node.requests, node.failed]);
    for (const edge of map.edges) counts.set(keyOfEdge(edge), [edge.requests, edge.failed]);
    this.samples.push({ time: map.end, counts });
    const oldest = map.end - CURVE_SECONDS * 1000;
    while (this.samples.length > SAMPLES_MAX || (this.samples[0] && this.samples[0].time < oldest)) {
      this.samples.shift();
    }
  }

  /**
   * What came within the last LIVE_SECONDS, or within what was seen of them. null: nothing to
   * compare with yet.
   * @param {string} key
   * @returns {Recent|null}
   */
  recent(key) {
    const last = this.samples[this.samples.length - 1];
    const now = last?.counts.get(key);
    if (!last || !now) return null;
    const first = this.samples.find((sample) => sample.time >= last.time - LIVE_SECONDS * 1000);
    if (!first || first === last) return null;
    // What was not there then has come since.
    const then = first.counts.get(key) ?? [0, 0];
    const seconds = (last.time - first.time) / 1000;
    const requests = Math.max(0, now[0] - then[0]);
    const failed = Math.max(0, now[1] - then[1]);
    return { requests, failed, seconds, rate: requests / seconds };
  }

  /**
   * How many seconds recent() looks back on now.
   */
  recentSeconds() {
    const last = this.samples[this.samples.length - 1];
    const first = last && this.samples.find((sample) => sample.time >= last.time - LIVE_SECONDS * 1000);
    return last && first ? (last.time - first.time) / 1000 : 0;
  }

  /**
   * The rate between each two answers, oldest first.
   * @param {string} key
   * @returns {Point[]}
   */
  curve(key) {
    /** @type {Point[]} */
    const points = [];
    for (let i = 1; i < this.samples.length; i++) {
      const before = /** @type {Sample} */ (this.samples[i - 1]);
      const after = /** @type {Sample} */ (this.samples[i]);
      const seconds = (after.time - before.time) / 1000;
      const then = before.counts.get(key) ?? [0, 0];
      const now = after.counts.get(key) ?? then;
      points.push({
        time: after.time,
        rate: Math.max(0, now[0] - then[0]) / seconds,
        failedRate: Math.max(0, now[1] - then[1]) / seconds,
      });
    }
    return points;
  }
}
