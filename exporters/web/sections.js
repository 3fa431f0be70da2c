/* sections.js: parts of the panel about what spanmap is asked for by itself: operations, and examples
 * of traces. Each is left out where spanmap does not offer it.
 */

import { sortRows } from "./columns.js";
import { h, name } from "./dom.js";
import { shareText, shorten } from "./figures.js";
import { formatClock, formatCount, formatSeconds } from "./format.js";
import { milliseconds } from "./model.js";
import { traceHref } from "./settings.js";

const OPERATIONS_SHOWN = 8;

/** @type {Record<string, string>} */
const CHANGES = {
  new: "New: it was not there before.",
  gone: "Gone: it was there before, and is no more.",
  failing: "It fails more than before.",
  slower: "It is slower than before.",
};

/**
 * @typedef {import("./panel.js").PanelState} PanelState
 */

/**
 * What a comparison found, in words.
 * @param {string[]|undefined} changes
 */
export function changesText(changes) {
  const known = (changes ?? []).map((word) => CHANGES[word]).filter(Boolean);
  return known.length === 0 ? null : h("p", { class: "changes", "data-change": changes?.[0] ?? "" }, known.join(" "));
}

/** @type {{id: string, label: string, title: string}[]} */
const COLUMNS = [
  { id: "operation", label: "Operation", title: "Name of its spans, and their kind" },
  { id: "requests", label: "count", title: "Spans of it" },
  { id: "share", label: "failed", title: "Share of them that failed" },
  { id: "p95", label: "p95", title: "95% of them took at most this" },
];

/**
 * @param {import("./details.js").Operation[]} list
 * @returns {import("./columns.js").Row[]}
 */
function rowsOf(list) {
  return list.map((operation, index) => ({
    key: String(index),
    values: {
      operation: operation.operation ?? "\uffff", kind: operation.kind, requests: operation.requests, failed: operation.failed,
      share: operation.requests > 0 ? operation.failed / operation.requests : null, p95: operation.seconds?.p95 ?? null,
    },
  }));
}

/**
 * @param {PanelState} state
 * @param {string} sort
 */
function headOf(state, sort) {
  return h("thead", {}, h("tr", {}, ...COLUMNS.map((column, index) => {
    const sorted = sort.replace(/^-/, "") === column.id;
    const down = sort.startsWith("-");
    const next = sorted ? (down ? column.id : `-${column.id}`) : index === 0 ? column.id : `-${column.id}`;
    return h("th", { scope: "col", class: index > 0 ? "number" : null, "aria-sort": sorted ? (down ? "descending" : "ascending") : null },
      h("a", { class: "sort", role: "button", href: state.href({ ops: next }), "data-replace": true, title: column.title }, column.label,
        h("span", { class: "arrow", "aria-hidden": true }, sorted ? (down ? "▼" : "▲") : "")));
  })));
}

/**
 * @param {PanelState} state
 */
export function operations(state) {
  const known = state.details.operations;
  if (!known) return null;
  const sort = COLUMNS.some((column) => column.id === state.link.ops.replace(/^-/, "")) ? state.link.ops : "-requests";
  const rows = sortRows(rowsOf(known.operations), sort).map((row) => {
    const { values } = row;
    const text = known.operations[Number(row.key)]?.operation ?? null;
    return h("tr", { "data-key": `${values.kind} ${values.operation}` },
      h("th", { scope: "row", class: "operation" }, text === null ? h("i", {}, "all others") : name(shorten(text)),
        h("span", { class: "kind" }, String(values.kind))),
      h("td", { class: "number" }, formatCount(Number(values.requests))),
      h("td", { class: "number" }, shareText(Number(values.requests), Number(values.failed))),
      h("td", { class: "number" }, formatSeconds(/** @type {number|null} */ (values.p95))));
  });
  const table = (/** @type {Node[]} */ body) => h("table", { class: "small operation-table" }, headOf(state, sort), h("tbody", {}, ...body));
  const rest = rows.slice(OPERATIONS_SHOWN);
  return h("section", { class: "operations", "data-key": "operations" },
    h("h3", {}, "Operations", h("span", { class: "count" }, formatCount(rows.length + known.left_out)),
      h("span", { class: "muted" }, "by its spans")),
    rows.length === 0 ? h("p", { class: "muted" }, "None seen: it does not report itself.") : table(rows.slice(0, OPERATIONS_SHOWN)),
    rest.length === 0 ? null : h("details", { "data-key": "rest" }, h("summary", {}, `${formatCount(rest.length)} more`),
      h("table", { class: "small operation-table" }, h("thead", { class: "unseen" }, h("tr", {},
        ...COLUMNS.map((column) => h("th", { scope: "col" }, column.label)))), h("tbody", {}, ...rest))),
    known.left_out > 0 ? h("p", { class: "muted" }, `The ${formatCount(known.left_out)} least busy are not listed.`) : null);
}

/**
 * @param {import("./details.js").Example} example
 * @param {PanelState} state
 */
function exampleRow(example, state) {
  const href = state.traceUrl ? traceHref(state.traceUrl, example.trace_id, example.span_id) : "";
  const id = example.trace_id.slice(0, 16);
  return h("tr", { "data-key": `${example.trace_id} ${example.span_id}`, "data-failed": example.failed },
    h("td", {}, formatClock(milliseconds(example.unix_nano), state.map.end)),
    h("td", { class: "number" }, formatSeconds(example.seconds)),
    h("td", {}, example.failed ? h("span", { class: "share", "data-level": 3 }, "failed")
      : example.why === "slow" ? h("span", { class: "muted" }, "slow") : ""),
    h("td", { class: "trace" }, href
      ? h("a", { href, target: "_blank", rel: "noopener noreferrer", title: example.trace_id },
        h("code", {}, id), h("span", { class: "unseen" }, " in the trace viewer"))
      : h("button", { type: "button", class: "trace-id", "data-copy-text": example.trace_id, title: `Copy ${example.trace_id}` },
        h("code", {}, id), h("span", { class: "unseen" }, " copy the id"))));
}

/**
 * @param {PanelState} state
 */
export function examples(state) {
  const known = state.details.examples;
  if (!known) return null;
  return h("section", { class: "examples", "data-key": "examples" }, h("h3", {}, "Example traces", h("span", { class: "count" }, String(known.length))),
    known.length === 0 ? h("p", { class: "muted" }, "None kept yet.")
      : h("table", { class: "small" }, h("thead", { class: "unseen" }, h("tr", {},
        ...["Time", "Duration", "Remarkable", "Trace"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...known.map((example) => exampleRow(example, state)))),
    known.length > 0 && !state.traceUrl ? h("p", { class: "muted" }, "With ", h("code", {}, "web.trace_url"),
      " in the configuration they lead to your trace viewer.") : null);
}
