/* columns.js: the columns of the two tables, and how rows sort by them. Pure.
 * A column's value is what is sorted by; null, not observed, stands last in both directions.
 */

import { fullName, keyOfEdge, keyOfNodeId, nameOf, nodeById, nodeMatches } from "./model.js";

/**
 * @typedef {"p50"|"p95"|"p99"|"max"} Quantile
 * @typedef {number|string|null} Value
 *
 * @typedef {object} Row
 * @property {string} key
 * @property {import("./model.js").MapNode} [node]
 * @property {import("./model.js").MapEdge} [edge]
 * @property {Record<string, Value>} values  by column
 *
 * @typedef {object} Column
 * @property {string} id
 * @property {string} label
 * @property {"name"|"text"|"count"|"rate"|"share"|"seconds"} kind
 * @property {"live"|"whole"|"before"|""} window  which of the windows its figures cover
 * @property {string} title
 */

/**
 * What the figures are: those since the start, with the last minute's beside them; a window's; or a
 * window's with those of another before it.
 * @typedef {"start"|"window"|"compare"} Mode
 */

/** @type {Column} */
const RATE = { id: "window_rate", label: "Rate", kind: "rate", window: "whole", title: "Requests a second" };
/** @type {Column} */
const CHANGE = { id: "change", label: "Change", kind: "text", window: "", title: "What is different from the window before" };
/** @type {Column[]} */
const BEFORE = [
  { id: "rate_before", label: "Rate", kind: "rate", window: "before", title: "Requests a second" },
  { id: "share_before", label: "Failed", kind: "share", window: "before", title: "Share of the requests that failed" },
  { id: "p95_before", label: "p95", kind: "seconds", window: "before", title: "95% took at most this" },
];

/**
 * The columns of one mode: of those of "start".
 * @param {Column[]} columns
 * @param {Mode} mode
 * @returns {Column[]}
 */
export function columnsFor(columns, mode) {
  if (mode === "start") return columns;
  const names = columns.filter((column) => column.window === "");
  const whole = [RATE, ...columns.filter((column) => column.window === "whole")];
  return mode === "compare" ? [...names, CHANGE, ...whole, ...BEFORE] : [...names, ...whole];
}

/** @type {Column[]} */
export const SERVICE_COLUMNS = [
  { id: "name", label: "Name", kind: "name", window: "", title: "" },
  { id: "type", label: "Type", kind: "text", window: "", title: "" },
  { id: "rate", label: "Rate", kind: "rate", window: "live", title: "Requests a second that reach it" },
  { id: "live_share", label: "Failed", kind: "share", window: "live", title: "Share of them that failed" },
  { id: "requests", label: "Requests", kind: "count", window: "whole", title: "Requests that reached it" },
  { id: "failed", label: "Failures", kind: "count", window: "whole", title: "Requests that failed" },
  { id: "share", label: "Failed", kind: "share", window: "whole", title: "Share of the requests that failed" },
  { id: "p50", label: "p50", kind: "seconds", window: "whole", title: "Half of its answers took at most this" },
  { id: "p95", label: "p95", kind: "seconds", window: "whole", title: "95% of its answers took at most this" },
  { id: "p99", label: "p99", kind: "seconds", window: "whole", title: "99% of its answers took at most this" },
  { id: "max", label: "Max", kind: "seconds", window: "whole", title: "The longest" },
];

/**
 * @param {Quantile} quantile
 * @returns {Column[]}
 */
export function edgeColumns(quantile) {
  return [
    { id: "client", label: "Client", kind: "name", window: "", title: "Who calls" },
    { id: "server", label: "Server", kind: "name", window: "", title: "Who is called" },
    { id: "type", label: "Type", kind: "text", window: "", title: "" },
    { id: "rate", label: "Rate", kind: "rate", window: "live", title: "Requests a second" },
    { id: "live_share", label: "Failed", kind: "share", window: "live", title: "Share of them that failed" },
    { id: "requests", label: "Requests", kind: "count", window: "whole", title: "" },
    { id: "failed", label: "Failures", kind: "count", window: "whole", title: "Requests that failed" },
    { id: "share", label: "Failed", kind: "share", window: "whole", title: "Share of the requests that failed" },
    { id: "client_seconds", label: `Client ${quantile}`, kind: "seconds", window: "whole",
      title: "How long it took as the client saw it" },
    { id: "server_seconds", label: `Server ${quantile}`, kind: "seconds", window: "whole",
      title: "How long the server worked on it" },
    { id: "network_seconds", label: `Network ${quantile}`, kind: "seconds", window: "whole",
      title: "What the client waited beyond the server's own time" },
    { id: "messaging_seconds", label: `Queue ${quantile}`, kind: "seconds", window: "whole",
      title: "From the end of sending a message to the start of its processing" },
  ];
}

/**
 * @param {import("./history.js").History} history
 * @param {string} key
 */
function live(history, key) {
  const recent = history.recent(key);
  return {
    rate: recent ? recent.rate : null,
    live_share: recent && recent.requests > 0 ? recent.failed / recent.requests : null,
  };
}

/**
 * @param {{start: number, end: number}|null} window
 * @param {number|undefined} requests
 */
function rateOver(window, requests) {
  return window && requests !== undefined && window.end > window.start ? requests / ((window.end - window.start) / 1000) : null;
}

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {import("./model.js").MapNode|import("./model.js").MapEdge} item
 */
function counts(map, item) {
  return {
    requests: item.requests,
    failed: item.failed,
    share: item.requests > 0 ? item.failed / item.requests : null,
    window_rate: rateOver(map, item.requests),
  };
}

/** Words for what changed. @type {Record<string, string>} */
const CHANGES = { new: "new", gone: "gone", failing: "fails more", slower: "slower" };

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {import("./model.js").MapNode|import("./model.js").MapEdge} item
 */
function before(map, item) {
  const was = item.before;
  return {
    change: (item.change ?? []).map((word) => CHANGES[word] ?? word).join(", "),
    rate_before: rateOver(map.before, was?.requests),
    share_before: was && was.requests > 0 ? was.failed / was.requests : null,
    p95_before: (was?.client_seconds ?? was?.server_seconds ?? was?.seconds)?.p95 ?? null,
  };
}

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {import("./history.js").History} history
 * @param {string} query
 * @param {Record<string, string>} types how types of nodes read
 * @returns {Row[]}
 */
export function serviceRows(map, history, query, types) {
  return map.nodes.filter((node) => nodeMatches(node, query)).map((node) => {
    const key = keyOfNodeId(node.id);
    const { p50 = null, p95 = null, p99 = null, max = null } = node.seconds ?? {};
    return {
      key,
      node,
      values: {
        name: fullName(node), type: types[node.type] ?? node.type,
        ...live(history, key), ...counts(map, node), ...before(map, node), p50, p95, p99, max,
      },
    };
  });
}

/**
 * @param {import("./model.js").ServiceMap} map
 * @param {import("./history.js").History} history
 * @param {string} query
 * @param {Record<string, {label: string}>} connections how types of connections read
 * @param {Quantile} quantile
 * @returns {Row[]}
 */
export function edgeRows(map, history, query, connections, quantile) {
  /** @type {Row[]} */
  const rows = [];
  for (const edge of map.edges) {
    const ends = [nodeById(map, edge.client), nodeById(map, edge.server)];
    if (!ends.some((node) => node && nodeMatches(node, query))) continue;
    const key = keyOfEdge(edge);
    rows.push({
      key,
      edge,
      values: {
        client: nameOf(map, edge.client), server: nameOf(map, edge.server),
        type: connections[edge.connection_type]?.label ?? edge.connection_type,
        ...live(history, key), ...counts(map, edge), ...before(map, edge),
        client_seconds: edge.client_seconds?.[quantile] ?? null,
        server_seconds: edge.server_seconds?.[quantile] ?? null,
        network_seconds: edge.network_seconds?.[quantile] ?? null,
        messaging_seconds: edge.messaging_seconds?.[quantile] ?? null,
      },
    });
  }
  return rows;
}

/**
 * @param {Value} a
 * @param {Value} b
 */
function compare(a, b) {
  if (typeof a === "string" && typeof b === "string") {
    return a.localeCompare(b, "en", { numeric: true });
  }
  return Number(a) - Number(b);
}

/**
 * Sorts rows, in place. Equal ones keep the map's order.
 * @param {Row[]} rows
 * @param {string} sort a column, or "-" and a column to have the largest first
 */
export function sortRows(rows, sort) {
  const down = sort.startsWith("-");
  const column = down ? sort.slice(1) : sort;
  return rows.sort((x, y) => {
    const a = x.values[column] ?? null;
    const b = y.values[column] ?? null;
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return down ? compare(b, a) : compare(a, b);
  });
}

/**
 * The order that is used: the one asked for where the table has that column, else by requests.
 * @param {Column[]} columns
 * @param {string} sort
 */
export function sortOf(columns, sort) {
  const asked = sort.replace(/^-/, "");
  return columns.some((column) => column.id === asked) ? sort : "-requests";
}

/**
 * What a click on a column's head asks for: first the direction that is of use, then the other.
 * @param {Column} column
 * @param {string} sort as it is
 */
export function nextSort(column, sort) {
  const first = column.kind === "name" || column.kind === "text" ? column.id : `-${column.id}`;
  if (sort !== first) return first;
  return first.startsWith("-") ? column.id : `-${column.id}`;
}
