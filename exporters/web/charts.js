/* charts.js: rate, failures and durations over time, as two small charts and, for those who cannot see
 * them, a table. Pointing at a step says its figures; a click on one leads to that time.
 */

import { h, s } from "./dom.js";
import { formatClock, formatRate, formatSeconds, formatShare, formatSpan } from "./format.js";
import { highest, outline, seriesOf } from "./series.js";

const WIDTH = 340;
const HEIGHT = 56;
/** Of the table: more steps than this only tire. */
const ROWS_MAX = 60;

/** @type {readonly ["p50", "p95", "p99"]} */
const QUANTILES = ["p50", "p95", "p99"];

/**
 * @typedef {import("./series.js").Slot} Slot
 * @typedef {import("./series.js").Series} Series
 */

/**
 * @param {Slot} slot
 * @param {number} now
 */
function rateWords(slot, now) {
  return `${formatClock(slot.start, now)} · ${formatRate(slot.rate)} · ${formatShare(slot.failed, slot.requests)} failed`;
}

/**
 * @param {Slot} slot
 * @param {number} now
 */
function secondsWords(slot, now) {
  return `${formatClock(slot.start, now)} · ${QUANTILES.map((q) => `${q} ${formatSeconds(slot[q])}`).join(" · ")}`;
}

/**
 * Unseen columns that know what to say.
 * @param {Series} series
 * @param {(slot: Slot, now: number) => string} words
 * @param {number} now
 */
function columns(series, words, now) {
  const width = WIDTH / series.slots.length;
  return series.slots.map((slot, index) => s("rect", {
    class: "slot", x: (index * width).toFixed(2), y: 0, width: width.toFixed(2), height: HEIGHT,
    "data-said": words(slot, now), "data-at": Math.round(slot.start / 1000 + series.step),
  }));
}

/**
 * @param {string} title
 * @param {string} label for a screen reader
 * @param {Node[]} drawn
 * @param {Series} series
 * @param {(slot: Slot, now: number) => string} words
 * @param {number} now
 * @param {(Node|string)[]} legend
 */
function chart(title, label, drawn, series, words, now, legend) {
  const first = series.slots[0]?.start ?? now;
  return h("figure", { class: "chart", "data-key": title },
    h("figcaption", { class: "chart-head" }, h("span", {}, title), h("span", { class: "chart-legend" }, ...legend)),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
      ...drawn, s("g", { class: "slots" }, ...columns(series, words, now))),
    h("div", { class: "chart-foot" }, h("span", {}, formatClock(first, now)),
      h("span", { class: "said", "data-keep": true, "aria-hidden": true }, ""), h("span", {}, formatClock(now, now))));
}

/**
 * @param {Series} series
 * @param {number} now
 */
function rateChart(series, now) {
  const top = highest(series.slots, (slot) => slot.rate);
  const last = series.slots[series.slots.length - 1];
  const area = (/** @type {(slot: Slot) => number} */ value) => {
    const line = outline(series.slots, value, top, WIDTH, HEIGHT);
    return `${line}L${WIDTH},${HEIGHT}L0,${HEIGHT}Z`;
  };
  const failed = series.slots.reduce((sum, slot) => sum + slot.failed, 0);
  const requests = series.slots.reduce((sum, slot) => sum + slot.requests, 0);
  const label = `Requests a second over ${formatSpan(series.step * series.slots.length)}: highest ${formatRate(top)}, ` +
    `last ${formatRate(last?.rate ?? null)}, ${formatShare(failed, requests)} failed`;
  return chart("Rate", label, [
    s("path", { class: "curve-area", d: area((slot) => slot.rate) }),
    s("path", { class: "curve-failed", d: area((slot) => slot.failedRate) }),
    s("path", { class: "curve-line", d: outline(series.slots, (slot) => slot.rate, top, WIDTH, HEIGHT) }),
  ], series, rateWords, now, [h("i", { class: "swatch failed", "aria-hidden": true }), "failed", ` · highest ${formatRate(top)}`]);
}

/**
 * @param {Series} series
 * @param {number} now
 */
function secondsChart(series, now) {
  const top = highest(series.slots, (slot) => slot.p99);
  if (top === 0) return null;
  const line = (/** @type {"p50"|"p95"|"p99"} */ quantile) => s("path", { class: `quantile ${quantile}`,
    d: outline(series.slots, (slot) => slot[quantile], top, WIDTH, HEIGHT) });
  const label = `Durations over ${formatSpan(series.step * series.slots.length)}: highest p99 ${formatSeconds(top)}, ` +
    `highest p50 ${formatSeconds(highest(series.slots, (slot) => slot.p50))}`;
  return chart("Duration", label, QUANTILES.map(line), series, secondsWords, now,
    [...QUANTILES.flatMap((q) => [h("i", { class: `swatch ${q}`, "aria-hidden": true }), `${q} `]), `· highest ${formatSeconds(top)}`]);
}

/**
 * @param {Series} series
 * @param {number} now
 */
function table(series, now) {
  const rows = series.slots.slice(-ROWS_MAX).reverse().map((slot) => h("tr", { "data-key": String(slot.start) },
    h("th", { scope: "row" }, formatClock(slot.start, now)), h("td", { class: "number" }, formatRate(slot.rate)),
    h("td", { class: "number" }, formatShare(slot.failed, slot.requests)),
    ...QUANTILES.map((q) => h("td", { class: "number" }, formatSeconds(slot[q])))));
  return h("details", { class: "figures", "data-key": "figures" }, h("summary", {}, "The same as a table"),
    h("table", { class: "small" }, h("thead", {}, h("tr", {},
      ...["From", "Rate", "Failed", ...QUANTILES].map((text, i) => h("th", { scope: "col", class: i > 0 ? "number" : null }, text)))),
    h("tbody", {}, ...rows)));
}

/**
 * @param {import("./details.js").Past|null} past
 * @param {number} now  the end of the window, ms
 * @returns {Node|null} null: nothing is known of the past
 */
export function charts(past, now) {
  const series = seriesOf(past);
  if (!series) return null;
  return h("section", { class: "charts", "data-key": "charts" },
    h("h3", {}, "Over time", h("span", { class: "muted" }, `in steps of ${formatSpan(series.step)}`)),
    rateChart(series, now), secondsChart(series, now), table(series, now));
}

/**
 * Says the figures of the step that is pointed at.
 * @param {EventTarget|null} target
 */
export function sayStep(target) {
  const slot = target instanceof Element ? target.closest(".slot") : null;
  for (const said of document.querySelectorAll(".chart .said")) {
    const own = slot !== null && said.closest(".chart") === slot.closest(".chart");
    said.textContent = own ? slot.getAttribute("data-said") : "";
  }
}
