/* tables.js: services and edges as tables that sort. What can be drawn can also be read here. */

import { columnsFor, edgeColumns, edgeRows, nextSort, SERVICE_COLUMNS, serviceRows, sortOf, sortRows } from "./columns.js";
import { h, morph } from "./dom.js";
import { CONNECTIONS, nodeLink, shorten, TYPES } from "./figures.js";
import { formatCount, formatRate, formatSeconds, formatShare, NONE, plural } from "./format.js";
import { failureLevel } from "./model.js";

/** Rows beyond this only slow the browser down. */
const ROWS_MAX = 1000;
/** @type {import("./columns.js").Quantile[]} */
const CHOICE = ["p50", "p95", "p99", "max"];

/**
 * @typedef {import("./columns.js").Column} Column
 * @typedef {import("./columns.js").Row} Row
 *
 * @typedef {object} TableState
 * @property {import("./model.js").ServiceMap} map
 * @property {import("./history.js").History} history
 * @property {import("./link.js").Link} link
 * @property {import("./columns.js").Mode} mode
 * @property {Set<string>|null} hidden
 * @property {(change: Partial<import("./link.js").Link>) => string} href
 * @property {{live: string, whole: string, before: string}} windows what the windows are called
 */

/**
 * @param {Row} row
 * @param {Column} column
 * @param {TableState} state
 */
function cellOf(row, column, state) {
  const value = row.values[column.id] ?? null;
  const select = (/** @type {string} */ key) => state.href({ select: key });
  if (column.kind === "name") {
    const id = row.node ? row.node.id : column.id === "client" ? row.edge?.client : row.edge?.server;
    return h("td", { class: "name-cell" }, nodeLink(state.map, id ?? "", select));
  }
  if (column.kind === "text") {
    if (column.id === "change") return h("td", { class: "text-cell change", "data-column": "change" }, String(value));
    if (!row.edge) return h("td", { class: "text-cell" }, String(value));
    const label = `${row.values.client} to ${row.values.server}, ${value}`;
    return h("td", { class: "text-cell" }, h("a", { class: "quiet-link", href: select(row.key), "aria-label": shorten(label) }, String(value)));
  }
  const text = textOf(column, value);
  const level = column.kind === "share" && typeof value === "number" ? failureLevel(1, value) : null;
  return h("td", { class: "number", "data-level": level, "data-column": column.id }, text);
}

/**
 * @param {Column} column
 * @param {import("./columns.js").Value} value
 */
function textOf(column, value) {
  if (column.kind === "name" || column.kind === "text") return String(value);
  return typeof value === "number" ? format(column.kind, value) : NONE;
}

/**
 * @param {Column["kind"]} kind
 * @param {number} value
 */
function format(kind, value) {
  if (kind === "rate") return formatRate(value);
  if (kind === "share") return formatShare(value, 1);
  return kind === "seconds" ? formatSeconds(value) : formatCount(value);
}

/**
 * @param {Column[]} columns
 * @param {TableState} state
 */
function groupsOf(columns, state) {
  const cells = [];
  for (let at = 0; at < columns.length;) {
    const window = columns[at]?.window ?? "";
    const count = columns.slice(at).findIndex((column) => column.window !== window);
    const span = count < 0 ? columns.length - at : count;
    cells.push(window === "" ? h("td", { colspan: span })
      : h("th", { colspan: span, scope: "colgroup", class: "group" }, state.windows[window]));
    at += span;
  }
  return h("tr", {}, ...cells);
}

/**
 * @param {Column[]} columns
 * @param {string} sort
 * @param {TableState} state
 */
function headOf(columns, sort, state) {
  const heads = columns.map((column) => {
    const sorted = sort.replace(/^-/, "") === column.id;
    const direction = sort.startsWith("-") ? "descending" : "ascending";
    const numeric = column.kind !== "name" && column.kind !== "text";
    const href = state.href({ sort: nextSort(column, sort) });
    const windows = state.windows;
    const when = column.window === "" ? "" : windows[column.window];
    return h("th", { scope: "col", "aria-sort": sorted ? direction : null, class: numeric ? "number" : null },
      h("a", { href, class: "sort", role: "button", "data-replace": true, title: [column.title, when].filter(Boolean).join(". ") },
        column.label, h("span", { class: "arrow", "aria-hidden": true },
          sorted ? (direction === "ascending" ? "▲" : "▼") : "")));
  });
  return h("thead", {}, groupsOf(columns, state), h("tr", {}, ...heads));
}

/**
 * @param {TableState} state
 */
function quantileChoice(state) {
  return h("div", { class: "choice", role: "group", "aria-label": "Which duration is shown" },
    h("span", {}, "Durations"),
    ...CHOICE.map((quantile) => h("button", {
      type: "button", "data-quantile": quantile, "aria-pressed": String(quantile === state.link.quantile),
    }, quantile)));
}

/** Rows as they were shown last, by their keys: making a thousand anew each time takes long. */
let rowsShown = /** @type {Map<string, {said: string, row: HTMLTableRowElement}>} */ (new Map());

/**
 * @param {Row[]} rows
 * @param {Column[]} columns
 * @param {TableState} state
 */
function bodyOf(rows, columns, state) {
  const shown = new Map();
  const links = state.href({ select: "", sort: "" });
  const body = rows.map((row) => {
    const current = row.key === state.link.select;
    const said = `${links} ${current} ${columns.map((column) => textOf(column, row.values[column.id] ?? null)).join("\u0000")}`;
    const old = rowsShown.get(row.key);
    const element = old?.said === said ? old.row : h("tr", {
      "data-key": row.key, "data-select": row.edge ? row.key : null, "aria-current": current ? "true" : null,
    }, ...columns.map((column) => cellOf(row, column, state)));
    shown.set(row.key, { said, row: element });
    return element;
  });
  rowsShown = shown;
  return body;
}

/**
 * Brings the table of the link's view up to date in `target`.
 * @param {Element} target
 * @param {TableState} state
 */
export function showTable(target, state) {
  const { map, history, link, hidden } = state;
  const services = link.view === "services";
  const quantile = /** @type {import("./columns.js").Quantile} */ (link.quantile);
  const columns = columnsFor(services ? SERVICE_COLUMNS : edgeColumns(quantile), state.mode);
  const found = services ? serviceRows(map, history, link.query, TYPES)
    : edgeRows(map, history, link.query, CONNECTIONS, quantile);
  const all = hidden ? found.filter((row) => !hidden.has(row.key)) : found;
  const sort = sortOf(columns, link.sort);
  const rows = sortRows(all, sort).slice(0, ROWS_MAX);
  const what = services ? ["service", "services"] : ["edge", "edges"];
  const total = plural(all.length, what[0] ?? "", what[1]);
  const caption = rows.length < all.length ? `The first ${formatCount(rows.length)} of ${total}: narrow them by a search.`
    : link.query ? `${total} found by “${link.query}”` : total;
  const left = found.length - all.length;
  morph(target, [
    h("div", { class: "table-head" }, h("h2", {}, services ? "Services" : "Edges"),
      h("p", {}, left > 0 ? `${caption}; ${formatCount(left)} hidden by choice` : caption),
      services ? null : quantileChoice(state)),
    h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": services ? "Services" : "Edges" },
      h("table", { "data-key": link.view }, headOf(columns, sort, state), h("tbody", { "data-keep": true }))),
  ]);
  const body = target.querySelector("tbody");
  if (body) morph(body, bodyOf(rows, columns, state));
}
