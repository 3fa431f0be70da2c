/* figures.js: how the page names things and shows their numbers, for panel, tables and tip. */

import { h, name, s } from "./dom.js";
import { formatCount, formatRate, formatSeconds, formatShare } from "./format.js";
import { failureLevel, fullName, keyOfNodeId, nameOfId, nodeById } from "./model.js";

/** @type {Record<string, string>} */
export const TYPES = {
  service: "service",
  database: "database",
  messaging: "queue",
  external: "external",
  user: "user",
};

/** @type {Record<string, {label: string, means: string}>} */
export const CONNECTIONS = {
  "": { label: "call", means: "Both sides were seen." },
  database: { label: "database", means: "A call to a database." },
  messaging_system: { label: "message", means: "Goes by way of a queue or topic." },
  virtual_node: { label: "one side seen", means: "Only one side reports to spanmap." },
};

/** @type {Record<string, string>} */
const ICONS = {
  service: "M3.5 3h9a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 2 11.5v-7A1.5 1.5 0 0 1 3.5 3z",
  database: "M2.5 4c0-1.2 2.5-2 5.5-2s5.5.8 5.5 2v8c0 1.2-2.5 2-5.5 2s-5.5-.8-5.5-2zM2.5 4c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2",
  messaging: "M1.5 4.5h9l4 3.5-4 3.5h-9z",
  external: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM2 8h12M8 2c2.2 2 2.2 10 0 12M8 2c-2.2 2-2.2 10 0 12",
  user: "M8 2.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4zM2.8 13.5c.5-2.8 2.5-4.2 5.2-4.2s4.7 1.4 5.2 4.2z",
};

/**
 * @param {string} type of a node
 */
export function icon(type) {
  const known = type in ICONS ? type : "service";
  return s("svg", { class: "icon", "data-type": known, viewBox: "0 0 16 16", "aria-hidden": true },
    s("path", { d: ICONS[known] }));
}

/**
 * A node's name, as a link to it.
 * @param {import("./model.js").ServiceMap} map
 * @param {string} id
 * @param {(key: string) => string} link
 */
export function nodeLink(map, id, link) {
  const node = nodeById(map, id);
  const text = node ? node.name : nameOfId(id);
  return h("a", { class: "node-link", href: link(keyOfNodeId(id)), title: shorten(id) },
    icon(node?.type ?? "service"), nameText(node, text));
}

/**
 * @param {import("./model.js").MapNode|undefined} node
 * @param {string} text
 */
function nameText(node, text) {
  return h("span", { class: "name" },
    node?.namespace ? h("span", { class: "namespace" }, name(shorten(node.namespace)), "/") : null,
    name(shorten(text)));
}

/**
 * A name that a stranger chose, fit to be read: not endless, and without characters that control
 * something or turn the direction of what follows.
 * @param {string} text
 */
export function shorten(text) {
  const cut = text.length > 300 ? `${text.slice(0, 299)}…` : text;
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}

/**
 * @param {number} requests
 * @param {number} failed
 */
export function shareText(requests, failed) {
  return h("span", { class: "share", "data-level": failureLevel(requests, failed) },
    formatShare(failed, requests));
}

/**
 * The duration that stands for an edge, on the map as well: what the caller waited, else the
 * callee's own.
 * @param {import("./model.js").MapEdge} edge
 */
export function mainSeconds(edge) {
  return edge.client_seconds ?? edge.server_seconds;
}

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {number} count
 */
export function rateSinceStart(map, count) {
  const seconds = (map.end - map.start) / 1000;
  return seconds > 0 ? count / seconds : null;
}

/**
 * One line for a screen reader.
 * @param {import("./model.js").ServiceMap} map
 * @param {string} key
 */
export function spoken(map, key) {
  const node = map.nodeByKey.get(key);
  const edge = map.edgeByKey.get(key);
  if (node) {
    const parts = [shorten(fullName(node)), TYPES[node.type] ?? node.type];
    if (node.requests > 0) parts.push(...spokenFigures(map, node.requests, node.failed, node.seconds));
    return parts.join(", ");
  }
  if (edge) {
    const ends = `${shorten(nameOfId(edge.client))} calls ${shorten(nameOfId(edge.server))}`;
    return [ends, ...spokenFigures(map, edge.requests, edge.failed, mainSeconds(edge))].join(", ");
  }
  return "";
}

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {number} requests
 * @param {number} failed
 * @param {import("./model.js").Seconds|null} seconds
 */
function spokenFigures(map, requests, failed, seconds) {
  const parts = [`${formatCount(requests)} requests`, formatRate(rateSinceStart(map, requests)),
    `${formatShare(failed, requests)} failed`];
  if (seconds) parts.push(`95 percent within ${formatSeconds(seconds.p95)}`);
  return parts;
}
