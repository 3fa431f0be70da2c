/* panel.js: one node or one edge with its numbers, beside the map. */

import { charts } from "./charts.js";
import { h, morph, name, s } from "./dom.js";
import { CONNECTIONS, icon, mainSeconds, nodeLink, rateSinceStart, shareText, shorten, TYPES } from "./figures.js";
import { formatCount, formatRate, formatSeconds, formatShare, formatSpan, NONE } from "./format.js";
import { keyOfEdge, keyOfNodeId, nameOf, nameOfId, partsOfKey } from "./model.js";
import { changesText, examples, operations } from "./sections.js";

const CURVE_WIDTH = 300;
const CURVE_HEIGHT = 48;

/**
 * @typedef {object} PanelState
 * @property {import("./model.js").ServiceMap} map
 * @property {import("./history.js").History} history
 * @property {(change: Partial<import("./link.js").Link>) => string} href
 * @property {{live: string, whole: string}} windows what the two windows are called
 * @property {import("./link.js").Link} link
 * @property {import("./details.js").Known} details
 * @property {boolean} sinceStart  the figures are those since spanmap's start
 * @property {string} traceUrl
 * @property {Map<string, string>} titles  what the picture says of its groups, by key
 */

/**
 * @param {string} label
 * @param {Node|string} value
 * @param {string} column for tests and styles
 * @param {string} [was] in the window that this one is compared with
 */
function tile(label, value, column, was) {
  return h("div", { class: "tile" }, h("dt", {}, label), h("dd", { "data-figure": column }, value),
    was === undefined ? null : h("dd", { class: "was", "data-figure": `${column}-before` }, `was ${was}`));
}

/**
 * Rate, and in it the failed part, of the last minutes.
 * @param {import("./history.js").Point[]} points
 */
function curve(points) {
  const first = points[0];
  const last = points[points.length - 1];
  if (!first || !last || points.length < 2) return null;
  const top = Math.max(...points.map((point) => point.rate));
  const seconds = (last.time - first.time) / 1000;
  const x = (/** @type {number} */ time) => ((time - first.time) / (last.time - first.time)) * CURVE_WIDTH;
  const y = (/** @type {number} */ rate) => CURVE_HEIGHT - (top > 0 ? rate / top : 0) * (CURVE_HEIGHT - 3) - 1;
  const line = (/** @type {"rate"|"failedRate"} */ figure) =>
    points.map((point) => `${x(point.time).toFixed(1)},${y(point[figure]).toFixed(1)}`).join(" L");
  const area = (/** @type {"rate"|"failedRate"} */ figure) =>
    `M0,${CURVE_HEIGHT} L${line(figure)} L${CURVE_WIDTH},${CURVE_HEIGHT}Z`;
  const label = `Rate of the last ${formatSpan(seconds)}: highest ${formatRate(top)}, now ${formatRate(last.rate)}`;
  return h("figure", { class: "curve" },
    s("svg", { viewBox: `0 0 ${CURVE_WIDTH} ${CURVE_HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
      s("path", { class: "curve-area", d: area("rate") }),
      s("path", { class: "curve-failed", d: area("failedRate") }),
      s("path", { class: "curve-line", d: `M${line("rate")}` })),
    h("figcaption", {}, h("span", {}, `${formatSpan(seconds)} ago`),
      h("span", {}, `highest ${formatRate(top)}`), h("span", {}, "now")));
}

/**
 * What a page sees by itself: rate and errors of the last minute.
 * @param {PanelState} state
 * @param {string} key
 */
function liveSection(state, key) {
  if (!state.sinceStart) return null;
  const recent = state.history.recent(key);
  return h("section", { "data-key": "live" }, h("h3", {}, state.windows.live),
    h("dl", { class: "tiles" },
      tile("Rate", recent ? formatRate(recent.rate) : NONE, "live-rate"),
      tile("Failed", recent ? shareText(recent.requests, recent.failed) : NONE, "live-share"),
      tile("Requests", recent ? formatCount(recent.requests) : NONE, "live-requests")),
    state.details.past ? null : curve(state.history.curve(key)));
}

/**
 * @param {PanelState} state
 * @param {import("./model.js").MapNode|import("./model.js").MapEdge} item
 */
function wholeTiles({ map }, item) {
  const was = item.before;
  const seconds = map.before ? (map.before.end - map.before.start) / 1000 : 0;
  const before = (/** @type {string|undefined} */ value) => map.before ? was ? value : NONE : undefined;
  return h("dl", { class: "tiles" },
    tile("Rate", formatRate(rateSinceStart(map, item.requests)), "rate",
      before(was && seconds > 0 ? formatRate(was.requests / seconds) : NONE)),
    tile("Failed", shareText(item.requests, item.failed), "share", before(was ? formatShare(was.failed, was.requests) : NONE)),
    tile("Requests", formatCount(item.requests), "requests", before(was ? formatCount(was.requests) : NONE)),
    tile("Failures", formatCount(item.failed), "failed", before(was ? formatCount(was.failed) : NONE)));
}

/**
 * @param {[string, string, import("./model.js").Seconds|null][]} rows label, title, durations
 */
function durations(rows) {
  const row = (/** @type {[string, string, import("./model.js").Seconds|null]} */ [label, title, seconds]) =>
    h("tr", { "data-key": label }, h("th", { scope: "row", title }, label),
      ...(/** @type {const} */ (["p50", "p95", "p99", "max"])).map((quantile) =>
        h("td", { class: "number", "data-figure": `${label.toLowerCase()}-${quantile}`, title: seconds ? null : "not observed" },
          formatSeconds(seconds?.[quantile]))));
  return h("table", { class: "small" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Duration"),
      ...["p50", "p95", "p99", "max"].map((label) => h("th", { scope: "col", class: "number" }, label)))),
    h("tbody", {}, ...rows.map(row)));
}

/**
 * Callers or callees: each name leads to the node, each set of figures to the edge.
 * @param {string} title
 * @param {string} none
 * @param {import("./model.js").MapEdge[]} edges
 * @param {"client"|"server"} side
 * @param {PanelState} state
 */
function neighbours(title, none, edges, side, state) {
  const link = (/** @type {string} */ key) => state.href({ select: key });
  const sorted = [...edges].sort((a, b) => b.requests - a.requests);
  const rows = sorted.map((edge) => {
    const label = `The call ${nameOfId(edge.client)} to ${nameOfId(edge.server)}`;
    return h("tr", { "data-key": keyOfEdge(edge) },
      h("td", { class: "name-cell" }, nodeLink(state.map, edge[side], link)),
      h("td", { class: "number" }, formatRate(rateSinceStart(state.map, edge.requests))),
      h("td", { class: "number" }, shareText(edge.requests, edge.failed)),
      h("td", { class: "number" }, formatSeconds(mainSeconds(edge)?.p95)),
      h("td", {}, h("a", { class: "more", href: link(keyOfEdge(edge)), "aria-label": shorten(label), title: "This call" }, "›")));
  });
  const which = side === "client" ? "callers" : "callees";
  return h("section", { class: which, "data-key": which },
    h("h3", {}, title, h("span", { class: "count" }, String(edges.length))),
    rows.length === 0 ? h("p", { class: "muted" }, none) : h("table", { class: "small neighbours" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"),
        ...["rate", "failed", "p95"].map((text) => h("th", { scope: "col", class: "number" }, text)),
        h("th", { scope: "col" }, h("span", { class: "unseen" }, "Call")))),
      h("tbody", {}, ...rows)));
}

/**
 * @param {PanelState} state
 * @param {Node[]} title
 * @param {(Node|string)[]} subtitle
 */
function headOf(state, title, subtitle) {
  return h("header", { class: "panel-head", "data-key": "head" },
    h("div", {}, h("h2", { id: "panel-title" }, ...title), h("p", { class: "muted" }, ...subtitle,
      ...(state.link.view === "map" ? [] : [" · ", h("a", { href: state.href({ view: "map" }) }, "show on the map")]))),
    h("a", { class: "close", href: state.href({ select: "" }), "aria-label": "Close", title: "Close (Esc)", role: "button" }, "×"));
}

/**
 * The map of a node's surroundings alone, in one step or more.
 * @param {PanelState} state
 * @param {string} key
 */
function actions(state, key) {
  const { link, href } = state;
  const focused = link.focus === key;
  return h("p", { class: "actions", "data-key": "actions" },
    h("a", { class: "action", href: href({ view: "map", focus: focused ? "" : key, depth: 1 }), "data-focus": focused ? "off" : "on" },
      focused ? "Draw the whole map" : "Draw only its surroundings"));
}

/**
 * What is said of a node that nobody is known to call.
 * @param {import("./model.js").MapNode} node
 */
function uncalled(node) {
  if (node.type === "user") return h("p", { class: "muted" }, "Requests that came from outside: no instrumented service sent them.");
  if (node.parent_missing > 0) {
    return h("p", { class: "muted", "data-note": "parent_missing" },
      `It was called: ${formatCount(node.parent_missing)} of its spans name a parent that never came (`, h("code", {}, "parent_missing"),
      "), so that their caller is not known. With ", h("code", {}, "topology.orphan_servers: user"),
      " in the configuration they are drawn as called by the user. ",
      h("a", { href: "debug/unpaired" }, "Which traces?"));
  }
  return h("p", { class: "muted" }, "No request to it was seen in this time.");
}

/**
 * @param {PanelState} state
 * @param {import("./model.js").MapNode} node
 */
function nodeContent(state, node) {
  const { map, windows } = state;
  const incoming = map.incoming.get(node.id) ?? [];
  const outgoing = map.outgoing.get(node.id) ?? [];
  const type = TYPES[node.type] ?? node.type;
  /** @type {(Node|string)[]} */
  const subtitle = [type];
  if (node.namespace) subtitle.push(" in ", name(shorten(node.namespace)));
  const called = incoming.length > 0;
  const key = keyOfNodeId(node.id);
  return [
    headOf(state, [icon(node.type), h("span", {}, name(shorten(node.name)))], subtitle),
    actions(state, key),
    called ? liveSection(state, key) : null,
    h("section", { "data-key": "whole" }, h("h3", {}, windows.whole), changesText(node.change),
      called ? wholeTiles(state, node) : uncalled(node),
      called ? durations([["Server", "How long it worked on a request", node.seconds]]) : null,
      called && !node.seconds ? h("p", { class: "muted" },
        "It does not report itself; its callers' view of it stands on their calls below.") : null),
    charts(state.details.past, map.end),
    neighbours("Callers", "None seen.", incoming, "client", state),
    neighbours("Calls", "None seen.", outgoing, "server", state),
    operations(state),
    examples(state),
  ];
}

/**
 * @param {PanelState} state
 * @param {import("./model.js").MapEdge} edge
 */
function edgeContent(state, edge) {
  const { map, windows } = state;
  const link = (/** @type {string} */ key) => state.href({ select: key });
  const connection = CONNECTIONS[edge.connection_type] ?? { label: edge.connection_type, means: "" };
  /** @type {[string, string, import("./model.js").Seconds|null][]} */
  const rows = [
    ["Client", "How long it took as the client saw it", edge.client_seconds],
    ["Server", "How long the server worked on it", edge.server_seconds],
    ["Network", "What the client waited beyond the server's own time", edge.network_seconds],
  ];
  if (edge.messaging_seconds || edge.connection_type === "messaging_system") {
    rows.push(["Queue", "From the end of sending a message to the start of its processing", edge.messaging_seconds]);
  }
  return [
    headOf(state, [h("span", { class: "ends" }, nodeLink(map, edge.client, link),
      h("span", { class: "to", "aria-label": "calls" }, "→"), nodeLink(map, edge.server, link))],
    [h("b", {}, connection.label), connection.means ? `. ${connection.means}` : ""]),
    liveSection(state, keyOfEdge(edge)),
    h("section", { "data-key": "whole" }, h("h3", {}, windows.whole), changesText(edge.change), wholeTiles(state, edge), durations(rows),
      !edge.server_seconds && !edge.client_seconds ? null : !edge.server_seconds
        ? h("p", { class: "muted" }, "The server's side was not seen: only the client's view is known.")
        : !edge.client_seconds ? h("p", { class: "muted" }, "The client's side was not seen.") : null),
    charts(state.details.past, map.end),
    examples(state),
  ];
}

/**
 * What a link names that the map does not have.
 * @param {PanelState} state
 * @param {string} key
 */
function goneContent(state, key) {
  const said = (state.titles.get(key) ?? "").split("\n").filter(Boolean);
  if (said.length > 0) {
    return [
      headOf(state, [h("span", {}, name(shorten(said[0] ?? "")))], ["several, drawn as one"]),
      h("p", { class: "muted" }, "What stands for it on the map, as it was drawn last:"),
      h("ul", { class: "said-list" }, ...said.slice(1).map((line) => h("li", {}, name(shorten(line))))),
    ];
  }
  const parts = partsOfKey(key);
  const names = parts ? parts.ids.map((id) => shorten(nameOf(state.map, id))).join(" → ") : "";
  return [
    headOf(state, [h("span", {}, name(names || "Unknown"))], ["not on the map"]),
    h("p", { class: "muted" }, parts
      ? "Nothing of this name has been seen in this time. It appears here when it is."
      : "This link names no node and no edge."),
  ];
}

/**
 * @param {Element} target
 * @param {PanelState} state
 * @param {string} key
 */
export function showPanel(target, state, key) {
  const node = state.map.nodeByKey.get(key);
  const edge = state.map.edgeByKey.get(key);
  const content = node ? nodeContent(state, node) : edge ? edgeContent(state, edge) : goneContent(state, key);
  const wrapper = h("div", { class: "panel-body", "data-key": key, tabindex: -1 }, ...content);
  morph(target, [wrapper]);
}

/**
 * The card beside the pointer.
 * @param {Element} target
 * @param {PanelState} state
 * @param {string} key
 */
export function showTip(target, state, key) {
  const { map } = state;
  const node = map.nodeByKey.get(key);
  const edge = map.edgeByKey.get(key);
  const item = node ?? edge;
  if (!item) return false;
  const seconds = node ? node.seconds : edge ? mainSeconds(edge) : null;
  const title = node ? [icon(node.type), name(shorten(node.name))]
    : edge ? [name(shorten(nameOf(map, edge.client))), " → ", name(shorten(nameOf(map, edge.server)))] : [];
  const figures = item.requests > 0 ? [
    formatRate(rateSinceStart(map, item.requests)),
    `${formatShare(item.failed, item.requests)} failed`,
    seconds ? `p95 ${formatSeconds(seconds.p95)}` : "",
  ].filter(Boolean).join(" · ") : node ? TYPES[node.type] ?? node.type : "";
  morph(target, [h("strong", {}, ...title), h("span", {}, figures)]);
  return true;
}
