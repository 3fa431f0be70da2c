/* query.js: what spanmap is asked for, by the page's link. Pure.
 * Words are those of `spanmap map`. All but resolve() want a resolved link.
 */

import { secondsOf } from "./link.js";
import { partsOfKey } from "./model.js";

/** The window where no other is chosen. */
const USUAL_WINDOW = "5m";

/**
 * @typedef {import("./link.js").Link} Link
 * @typedef {[string, string][]} Pairs
 */

/**
 * The link with the window that it means: empty since spanmap's start, else one of a certain length.
 * Until spanmap is older than the usual window, the two are the same, and what is since the start is
 * told at less cost and more exactly.
 * @param {Link} link
 * @param {{start: number, windowSeconds: number}} abilities
 * @param {number} now  seconds since 1970, by spanmap's clock
 * @returns {Link}
 */
export function resolve(link, { start, windowSeconds }, now) {
  if (windowSeconds === 0) return { ...link, window: "", at: 0, compare: "" };
  const windowed = isPast(link) || link.compare !== "";
  const aged = start > 0 && now - start / 1000 > secondsOf(USUAL_WINDOW);
  if (link.window === "all") return { ...link, window: windowed ? USUAL_WINDOW : "" };
  return { ...link, window: link.window || (windowed || aged ? USUAL_WINDOW : "") };
}

/**
 * @param {Link} link
 */
export function isPast(link) {
  return link.at > 0;
}

/**
 * Are the figures those since spanmap's start, up to now?
 * @param {Link} link
 */
export function isSinceStart(link) {
  return link.window === "" && !isPast(link) && link.compare === "";
}

/**
 * @param {Link} link
 * @param {number} now seconds since 1970, by spanmap's clock
 * @returns {Pairs}
 */
function times(link, now) {
  /** @type {Pairs} */
  const pairs = [];
  if (link.window) pairs.push(["window", link.window]);
  if (isPast(link)) pairs.push(["at", String(link.at)]);
  if (link.compare) pairs.push(["compare", String(Math.floor((link.at || now) - secondsOf(link.compare)))]);
  return pairs;
}

/**
 * @param {Pairs} pairs
 */
function write(pairs) {
  return pairs.length === 0 ? "" : `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
}

/**
 * @param {Link} link
 * @param {number} now
 */
export function mapQuery(link, now) {
  return write(times(link, now));
}

/**
 * @param {Link} link
 * @param {number} now
 */
export function drawingQuery(link, now) {
  const pairs = times(link, now);
  const id = partsOfKey(link.focus)?.ids[0];
  if (id) pairs.push(["focus", id], ["depth", String(link.depth)]);
  if (link.figure) pairs.push(["figure", link.figure]);
  if (link.cluster) pairs.push(["cluster", link.cluster]);
  if (link.minRate) pairs.push(["min_rate", link.minRate]);
  if (link.top) pairs.push(["top", link.top]);
  if (link.collapse) pairs.push(["collapse", link.collapse]);
  return write(pairs);
}

/**
 * What the drawing is asked for but for times: a change of it is drawn at once.
 * @param {Link} link
 */
export function drawingWords(link) {
  return `${mapWords(link)} ${drawingQuery({ ...link, compare: "", at: 0 }, 0)}`;
}

/**
 * The same of the map: a change of it is asked for at once.
 * @param {Link} link
 */
export function mapWords(link) {
  return `${link.window} ${link.at} ${link.compare}`;
}

/**
 * Which node or edge a detail is asked for. null: the key names none.
 * @param {import("./model.js").ServiceMap} map
 * @param {string} key
 * @returns {Pairs|null}
 */
function itemOf(map, key) {
  const node = map.nodeByKey.get(key);
  if (node) return [["node", node.id]];
  const edge = map.edgeByKey.get(key);
  return edge ? [["client", edge.client], ["server", edge.server], ["connection_type", edge.connection_type]] : null;
}

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {string} key
 * @param {Link} link
 * @returns {string|null}
 */
export function itemQuery(map, key, link) {
  const item = itemOf(map, key);
  return item ? write([...item, ...times({ ...link, compare: "" }, 0)]) : null;
}
