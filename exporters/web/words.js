/* words.js: the page's messages, legend and account: sentences rather than numbers. */

import { classesOf, RECEIVED } from "./accounting.js";
import { h, s } from "./dom.js";
import { icon, TYPES } from "./figures.js";
import { formatCount, formatShare } from "./format.js";
import { endpointOf, isLocal } from "./settings.js";

/**
 * What a sender must know beside the address.
 * @param {import("./settings.js").Settings} settings
 */
function doorText(settings) {
  if (settings.door === "unknown") {
    return "4317 is the usual port of OTLP/gRPC; spanmap's log and listen.grpc say which one it is here. " +
      "A service on another machine or in a container needs an address that reaches this one.";
  }
  if (settings.door === "port" && isLocal(settings)) {
    return `It listens on ${settings.host} only, so only this machine can send; listen.grpc changes that.`;
  }
  return "A service on another machine or in a container needs an address that reaches this one.";
}

/**
 * What to do while nothing has come yet.
 * @param {string} host under which the page was reached
 * @param {import("./settings.js").Settings} settings
 * @param {import("./model.js").Accounting} accounting
 */
export function emptyMessage(host, settings, accounting) {
  const lines = [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpointOf(settings, host)}`,
    "export OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
    "export OTEL_SERVICE_NAME=my-service",
  ];
  const some = accounting.received > 0;
  const wait = settings.pairingWait ? `pairing.wait (${settings.pairingWait})` : "pairing.wait (10 s unless configured)";
  if (settings.door === "off") {
    return h("div", { class: "card empty" }, h("h2", {}, "Nothing can come in"),
      h("p", {}, "OTLP/gRPC is off here: listen.grpc in the configuration turns it on."));
  }
  return h("div", { class: "card empty" },
    h("h2", {}, some ? "Spans are arriving" : "Waiting for the first spans"),
    h("p", {}, "Point an OpenTelemetry SDK, or a Collector's otlp exporter, at this spanmap:"),
    h("div", { class: "code" }, h("pre", { id: "setup", tabindex: 0 }, h("code", {}, lines.join("\n"))),
      h("button", { type: "button", id: "copy", "data-copy": "setup" }, "Copy")),
    h("p", { class: "muted" }, doorText(settings)),
    h("p", { class: "arrivals", "data-some": some }, h("span", { class: "lamp", "aria-hidden": true }),
      h("span", {}, h("b", { id: "arrived" }, formatCount(accounting.received)), " received, ",
        h("b", { id: "waiting" }, formatCount(accounting.waiting)), " waiting for what belongs to them")),
    h("p", { class: "muted" }, some
      ? `A call is drawn when all that belongs to it has had time to come: up to ${wait} after its spans came.`
      : `SDKs send every 5 s or so; the map then takes up to ${wait} to appear.`));
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} hrefOfTable
 */
export function noDrawingMessage(title, text, hrefOfTable) {
  return h("div", { class: "card" }, h("h2", {}, title), h("p", {}, text),
    hrefOfTable ? h("p", {}, "The figures are all there: ", h("a", { href: hrefOfTable }, "see the edges as a table"), ".") : null);
}

/**
 * @param {number} level
 */
function sampleLine(level) {
  return s("svg", { class: "sample", viewBox: "0 0 28 10", "aria-hidden": true },
    s("path", { class: "sample-line", "data-level": level, d: "M1 5h20" }),
    s("path", { class: "sample-tip", "data-level": level, d: "M20 1.5l7 3.5-7 3.5z" }));
}

/** What the colours of a comparison mean. @type {[string, string][]} */
const CHANGES = [["new", "new"], ["gone", "gone"], ["failing", "fails more"], ["slower", "slower"], ["same", "as before"]];

/**
 * @param {string} change
 */
function changeLine(change) {
  return s("svg", { class: "sample", viewBox: "0 0 28 10", "aria-hidden": true, "data-change": change },
    s("path", { class: "sample-line", d: "M1 5h20", "stroke-dasharray": change === "gone" ? "1 3" : null }),
    s("path", { class: "sample-tip", d: "M20 1.5l7 3.5-7 3.5z" }));
}

/**
 * @param {{start: number, end: number}|null} before the window that the map is compared with
 */
export function legend(before) {
  const row = (/** @type {Node} */ sample, /** @type {string} */ text) => h("li", {}, sample, h("span", {}, text));
  const wide = s("svg", { class: "sample", viewBox: "0 0 28 10", "aria-hidden": true },
    s("path", { class: "sample-line", d: "M1 7L27 4.5", "stroke-width": 1 }),
    s("path", { class: "sample-line wide", d: "M1 3.5h26" }));
  const dashed = s("svg", { class: "sample", viewBox: "0 0 28 10", "aria-hidden": true },
    s("path", { class: "sample-line", d: "M1 5h20", "stroke-dasharray": "4 3" }),
    s("path", { class: "sample-tip", d: "M20 1.5l7 3.5-7 3.5z" }));
  const lines = before ? CHANGES.map(([change, text]) => row(changeLine(change), text))
    : [row(sampleLine(0), "none failed"), row(sampleLine(1), "under 1% failed"), row(sampleLine(2), "1% to 5%"),
      row(sampleLine(3), "5% and more")];
  return [
    h("ul", { class: "types" }, ...Object.entries(TYPES).map(([type, label]) => row(icon(type), label))),
    h("ul", {}, ...lines, row(wide, "wider: more requests"), row(dashed, "dashed: messages")),
  ];
}

/**
 * The account in one line.
 * @param {import("./model.js").Accounting} accounting
 */
export function sums(accounting) {
  const shown = classesOf(accounting).filter((item) => item.count > 0 ||
    ["paired", "waiting", "unpaired", "dropped", "rejected"].includes(item.word));
  return [
    h("span", { class: "received" }, h("b", { "data-class": "received" }, formatCount(accounting.received)), " spans received"),
    ...shown.map((item) => h("span", { class: "sum", "data-word": item.word, "data-warns": item.warns },
      h("i", { class: "swatch", "aria-hidden": true }), h("b", { "data-class": item.word }, formatCount(item.count)), ` ${item.label}`)),
    h("span", { class: "more", "aria-hidden": true }, "what is this?"),
  ];
}

/**
 * The classes as parts of one bar.
 * @param {import("./accounting.js").SpanClass[]} classes
 * @param {number} received
 */
function bar(classes, received) {
  let at = 0;
  const whole = Math.max(received, classes.reduce((sum, item) => sum + Math.max(0, item.count), 0));
  const parts = classes.map((item) => {
    const width = whole > 0 ? (Math.max(0, item.count) / whole) * 1000 : 0;
    const part = s("rect", { "data-word": item.word, x: at.toFixed(2), y: 0, width: width.toFixed(2), height: 10 });
    at += width;
    return part;
  });
  return s("svg", { class: "share-bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": true }, ...parts);
}

/**
 * The account with what each class means.
 * @param {import("./model.js").Accounting} accounting
 */
export function account(accounting) {
  const classes = classesOf(accounting);
  const rows = classes.flatMap((item) => [
    h("tr", { "data-key": item.word, "data-word": item.word, "data-warns": item.warns },
      h("th", { scope: "row" }, h("i", { class: "swatch", "aria-hidden": true }), item.label),
      h("td", { class: "number" }, formatCount(item.count)),
      h("td", { class: "number muted" }, item.count < 0 ? "" : formatShare(item.count, accounting.received)),
      h("td", {}, item.means)),
    ...item.reasons.map((reason) => h("tr", { "data-key": `${item.word} ${reason.word}`, class: "reason" },
      h("th", { scope: "row" }, h("code", {}, reason.word)),
      h("td", { class: "number" }, formatCount(reason.count)),
      h("td", { class: "number muted" }, formatShare(reason.count, accounting.received)),
      h("td", {}, reason.means))),
  ]);
  return [
    h("h2", {}, "What became of every span"),
    h("p", { class: "muted" }, `${formatCount(accounting.received)} received. ${RECEIVED}`),
    bar(classes, accounting.received),
    h("table", { class: "small" }, h("thead", { class: "unseen" }, h("tr", {},
      ...["Class", "Spans", "Share", "Meaning"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rows)),
    h("p", { class: "muted", "data-note": "debug" }, "More, as JSON: ",
      h("a", { href: "debug/unpaired" }, "whose spans are unpaired, in which traces"), ", ",
      h("a", { href: "debug/lateness" }, "how long spans take to come"), ", ",
      h("a", { href: "debug/budgets" }, "how full memory is"), ", ",
      h("a", { href: "debug/cardinality" }, "which names and labels are many"), "."),
  ];
}
