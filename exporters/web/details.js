/* details.js: what is known of the one node or edge that is selected, beside the map's figures:
 * its operations, examples of its traces, and its past.
 * It is asked for when the selection or the window changes, and again while the page is live. What
 * spanmap does not offer is null, and the panel does without.
 */

import { fetchDetail } from "./api.js";
import { itemQuery, mapWords } from "./query.js";

const PERIOD_MS = 8000;

/**
 * @typedef {import("./model.js").Seconds} Seconds
 *
 * @typedef {object} Operation
 * @property {string|null} operation  null: all whose names are past a bound
 * @property {string} kind
 * @property {number} requests
 * @property {number} failed
 * @property {Seconds|null} seconds
 *
 * @typedef {{trace_id: string, span_id: string, unix_nano: string, seconds: number|null, failed: boolean,
 *            side?: string, why?: string}} Example  side: client, server, own; why: failed, slow, recent
 *
 * @typedef {object} Point  of the past; one of the durations is there, of a node `seconds`
 * @property {string} start_unix_nano
 * @property {number} requests
 * @property {number} failed
 * @property {Seconds|null} [seconds]
 * @property {Seconds|null} [client_seconds]
 * @property {Seconds|null} [server_seconds]
 *
 * @typedef {{step_seconds: number, points: Point[]}} Past
 *
 * @typedef {object} Known
 * @property {string} key                  of what is selected; empty: nothing is
 * @property {{operations: Operation[], left_out: number}|null} operations
 * @property {Example[]|null} examples
 * @property {Past|null} past
 */

/** @type {Readonly<Known>} */
export const NOTHING = Object.freeze({ key: "", operations: null, examples: null, past: null });

/**
 * A reader of an answer that has a list of this name. Throws where it is none.
 * @param {string} list
 */
function reader(list) {
  return (/** @type {unknown} */ answer) => {
    const object = /** @type {Record<string, unknown>} */ (Object(answer));
    if (!Array.isArray(object[list])) throw new Error(`there are no ${list} in it`);
    return /** @type {any} */ (object);
  };
}

const PARTS = /** @type {const} */ ([
  { name: "operations", path: "/api/v1/operations", list: "operations", of: "node", take: (/** @type {any} */ answer) => answer },
  { name: "examples", path: "/api/v1/examples", list: "examples", of: "any", take: (/** @type {any} */ answer) => answer.examples },
  { name: "past", path: "/api/v1/history", list: "points", of: "any", take: (/** @type {any} */ answer) => answer },
]);

export class Details {
  /**
   * @param {() => void} onChange
   */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Known} */
    this.known = NOTHING;
    /** Under which selection and window it was asked for, and of which answer of the map. */
    this.words = "";
    this.of = 0;
    this.askedAt = 0;
    /** @type {AbortController|null} */
    this.asking = null;
  }

  /**
   * Asks where that is due.
   * @param {import("./model.js").ServiceMap} map
   * @param {import("./link.js").Link} link
   * @param {Set<string>} paths that spanmap answers
   */
  follow(map, link, paths) {
    const query = itemQuery(map, link.select, link);
    const words = query ? `${mapWords(link)} ${link.select} ${[...paths].length}` : "";
    if (words !== this.words) {
      this.asking?.abort();
      this.asking = null;
      this.words = words;
      this.askedAt = 0;
      this.known = { ...NOTHING, key: link.select };
    }
    const due = map.end !== this.of && performance.now() - this.askedAt > PERIOD_MS;
    if (query === null || this.asking || (this.askedAt > 0 && !due)) return;
    this.askedAt = performance.now();
    this.of = map.end;
    void this.ask(query, map.nodeByKey.has(link.select), paths);
  }

  /**
   * @param {string} query
   * @param {boolean} isNode
   * @param {Set<string>} paths
   */
  async ask(query, isNode, paths) {
    const asking = new AbortController();
    this.asking = asking;
    await Promise.all(PARTS.map(async ({ name, path, list, of, take }) => {
      if (!paths.has(path) || (of === "node" && !isNode)) return;
      const answer = await fetchDetail(`${path.slice(1)}${query}`, reader(list), asking.signal).catch(() => null);
      if (this.asking !== asking) return;
      // One that fails once leaves what was known.
      if (answer !== null) this.known = { ...this.known, [name]: take(answer) };
      this.onChange();
    }));
    if (this.asking === asking) this.asking = null;
  }
}
