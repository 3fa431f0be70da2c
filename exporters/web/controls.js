/* controls.js: the row of choices below the head: which time, compared with what, drawn how.
 * Each is a control of the browser's own, so that keys and screen readers know it. What they choose
 * goes into the link; what spanmap does not understand is not offered.
 */

import { get, h, morph } from "./dom.js";
import { shorten, TYPES } from "./figures.js";
import { turnType } from "./filter.js";
import { formatClock, formatSpan } from "./format.js";
import { COMPARES, DEPTH_MAX, FIGURES, WINDOWS } from "./link.js";
import { nameOfId, partsOfKey } from "./model.js";

/** How far back the slider goes, and by which steps, in seconds. */
const BACK_SECONDS = 3600;
const BACK_STEP = 10;
const TOPS = ["20", "50", "100", "200", "500"];
const MIN_RATES = ["0.01", "0.1", "1", "10", "100", "1000"];

/** @type {Record<string, string>} */
const SPANS = { "1m": "1 min", "5m": "5 min", "15m": "15 min", "30m": "30 min", "1h": "1 h", all: "since the start" };
/** @type {Record<string, string>} */
const FIGURE_WORDS = { rate: "rate", errors: "failures", p50: "p50", p95: "p95", p99: "p99", network: "network delay", queue: "queue delay" };

/**
 * @typedef {import("./link.js").Link} Link
 * @typedef {(change: Partial<Link>, replace?: boolean) => void} Go
 *
 * @typedef {object} ControlsState
 * @property {Link} link
 * @property {number} now     seconds since 1970, by spanmap's clock
 * @property {import("./settings.js").Abilities} abilities
 */

/**
 * @param {string} label
 * @param {string} id
 * @param {string} value
 * @param {[string, string][]} options  value and text
 */
function select(label, id, value, options) {
  const listed = options.some(([option]) => option === value) ? options : [...options, /** @type {[string, string]} */ ([value, value])];
  return h("label", { class: "control", "data-key": id }, h("span", {}, label),
    h("select", { id, "data-value": value }, ...listed.map(([option, text]) => h("option", { value: option }, text))));
}

export class Controls {
  /**
   * @param {HTMLElement} root
   * @param {Go} go
   */
  constructor(root, go) {
    this.root = root;
    this.go = go;
    root.addEventListener("change", (event) => this.onChange(event));
    root.addEventListener("input", (event) => this.onInput(event));
    root.addEventListener("click", (event) => this.onClick(event));
    root.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", (event) => this.onOutside(event.target));
    /** @type {ControlsState|null} */
    this.state = null;
    /** The slider is being moved. */
    this.sliding = false;
  }

  /**
   * @param {Event} event
   */
  onChange(event) {
    const { target } = event;
    if (!(target instanceof HTMLSelectElement || target instanceof HTMLInputElement)) return;
    const { id, value } = target;
    if (id === "window") this.go({ window: value });
    else if (id === "compare") this.go({ compare: value });
    else if (id === "figure") this.go({ figure: value });
    else if (id === "cluster") this.go({ cluster: value.trim() });
    else if (id === "collapse") this.go({ collapse: value.trim() });
    else if (id === "top") this.go({ top: value });
    else if (id === "min-rate") this.go({ minRate: value });
    else if (id === "theme") this.go({ theme: value }, true);
    else if (id === "failing" && target instanceof HTMLInputElement) this.go({ failing: target.checked });
    else if (id === "time") {
      this.sliding = false;
      this.go({ at: this.momentOf(Number(value)) });
    }
    else if (target.dataset.type && this.state) this.go({ hide: turnType(this.state.link.hide, target.dataset.type) });
  }

  /**
   * While the slider moves it says where it is; the figures come when it is let go.
   * @param {Event} event
   */
  onInput(event) {
    const { target } = event;
    if (!(target instanceof HTMLInputElement) || target.id !== "time") return;
    this.sliding = true;
    const [text, spoken] = this.timeText(this.momentOf(Number(target.value)));
    get("time-text").textContent = text;
    target.setAttribute("aria-valuetext", spoken);
  }

  /**
   * @param {number} back seconds, not above zero
   */
  momentOf(back) {
    return back >= 0 || !this.state ? 0 : Math.max(1, Math.round(this.state.now + back));
  }

  /**
   * @param {MouseEvent} event
   */
  onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const state = this.state;
    if (!button || !state) return;
    const { link } = state;
    if (button.id === "time-now") this.go({ at: 0 });
    else if (button.id === "focus-off") this.go({ focus: "", depth: 1 });
    else if (button.id === "focus-more") this.go({ depth: Math.min(DEPTH_MAX, link.depth + 1) });
    else if (button.id === "focus-less") this.go({ depth: Math.max(1, link.depth - 1) });
  }

  /**
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    const menu = event.target instanceof Element ? event.target.closest("details[open]") : null;
    if (event.key !== "Escape" || !menu) return;
    event.stopPropagation();
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
  }

  /**
   * @param {EventTarget|null} target
   */
  onOutside(target) {
    for (const menu of this.root.querySelectorAll("details[open]")) {
      if (!(target instanceof Node) || !menu.contains(target)) menu.removeAttribute("open");
    }
  }

  /**
   * How a moment reads, shortly and aloud.
   * @param {number} at
   * @returns {[string, string]}
   */
  timeText(at) {
    const now = this.state?.now ?? 0;
    const text = at === 0 ? "now" : formatClock(at * 1000, now * 1000);
    return [text, at === 0 ? text : `${text}, ${formatSpan(now - at)} ago`];
  }

  /**
   * @param {ControlsState} state
   */
  show(state) {
    this.state = state;
    const { link, abilities } = state;
    const timed = abilities.windowSeconds > 0;
    morph(this.root, [
      ...(timed ? this.times(state) : []),
      h("label", { class: "control check", "data-key": "failing" }, h("input", { id: "failing", type: "checkbox" }), h("span", {}, "Only failing")),
      this.menu(state),
      link.focus ? this.focus(link) : null,
    ]);
    // What a user has set is a property, which no attribute changes.
    for (const box of this.root.querySelectorAll("select")) {
      if (box.value !== box.dataset.value) box.value = box.dataset.value ?? "";
    }
    /** @type {HTMLInputElement} */ (get("failing")).checked = link.failing;
    for (const box of this.root.querySelectorAll("input[data-type]")) {
      if (box instanceof HTMLInputElement) box.checked = !link.hide.split(",").includes(box.dataset.type ?? "");
    }
    for (const box of this.root.querySelectorAll("input[data-value]")) {
      if (box instanceof HTMLInputElement && document.activeElement !== box) box.value = box.dataset.value ?? "";
    }
    if (timed && !this.sliding) {
      /** @type {HTMLInputElement} */ (get("time")).value = String(link.at === 0 ? 0 : link.at - state.now);
      get("time-text").textContent = this.timeText(link.at)[0];
    }
  }

  /**
   * @param {ControlsState} state
   */
  times({ link, now, abilities }) {
    const far = Math.min(BACK_SECONDS, abilities.windowSeconds);
    const reach = abilities.start > 0 ? Math.min(far, Math.max(BACK_STEP, now - abilities.start / 1000)) : far;
    const oldest = Math.max(reach, link.at > 0 ? now - link.at : 0);
    return [
      select("Window", "window", link.window, WINDOWS.filter((span) => span !== "all" || !(link.at > 0 || link.compare))
        .map((span) => [span === "5m" ? "" : span, SPANS[span] ?? span])),
      h("div", { class: "control time", role: "group", "aria-label": "End of the window", "data-key": "time" },
        h("span", { "aria-hidden": true }, "until"),
        h("input", { id: "time", type: "range", min: -Math.ceil(oldest / BACK_STEP) * BACK_STEP, max: 0, step: BACK_STEP,
          "aria-label": "End of the window", "aria-valuetext": this.timeText(link.at)[1] }),
        h("output", { id: "time-text", for: "time", "data-keep": true }),
        h("button", { id: "time-now", type: "button", hidden: link.at === 0 }, "Now")),
      select("Compared with", "compare", link.compare, [["", "nothing"],
        ...COMPARES.map((span) => /** @type {[string, string]} */ ([span, `${SPANS[span] ?? span} before`]))]),
    ];
  }

  /**
   * @param {ControlsState} state
   */
  menu({ link, abilities }) {
    const can = (/** @type {string} */ word) => abilities.parameters.has(word);
    const changed = [link.figure, link.cluster, link.minRate, link.top, link.collapse, link.hide].filter(Boolean).length;
    return h("details", { class: "menu", "data-key": "menu" },
      h("summary", {}, "Drawing", changed > 0 ? h("span", { class: "count" }, String(changed)) : null),
      h("div", { class: "menu-body" },
        can("figure") ? select("On the lines", "figure", link.figure, [["", "rate, failures, p95"],
          ...FIGURES.map((word) => /** @type {[string, string]} */ ([word, FIGURE_WORDS[word] ?? word]))]) : null,
        can("min_rate") ? select("Lines from", "min-rate", link.minRate, [["", "any rate"],
          ...MIN_RATES.map((rate) => /** @type {[string, string]} */ ([rate, `${rate}/s`]))]) : null,
        can("top") ? select("Busiest lines", "top", link.top, [["", "all that make a picture"],
          ...TOPS.map((count) => /** @type {[string, string]} */ ([count, count]))]) : null,
        can("cluster") ? h("label", { class: "control", "data-key": "cluster" }, h("span", {}, "Frames by"),
          h("input", { id: "cluster", type: "text", list: "clusters", placeholder: "namespace", "data-value": link.cluster, autocomplete: "off", spellcheck: "false" })) : null,
        can("cluster") ? h("datalist", { id: "clusters" },
          ...["namespace", "none", "k8s.namespace.name", "service.version", "deployment.environment.name"].map((value) => h("option", { value }))) : null,
        can("collapse") ? h("label", { class: "control", "data-key": "collapse" }, h("span", {}, "Frames as one"),
          h("input", { id: "collapse", type: "text", placeholder: "none; or all", "data-value": link.collapse, autocomplete: "off", spellcheck: "false" })) : null,
        h("fieldset", {}, h("legend", {}, "Shown"), ...Object.entries(TYPES).map(([type, label]) =>
          h("label", { class: "check", "data-key": type }, h("input", { type: "checkbox", "data-type": type }), h("span", {}, label)))),
        select("Colours", "theme", link.theme, [["", "as the system"], ["light", "light"], ["dark", "dark"]])));
  }

  /**
   * @param {Link} link
   */
  focus(link) {
    const text = shorten(nameOfId(partsOfKey(link.focus)?.ids[0] ?? ""));
    return h("div", { class: "focus", role: "group", "aria-label": "Part of the map", "data-key": "focus" },
      h("span", { class: "name" }, "Around ", h("b", {}, h("bdi", {}, text))),
      h("button", { id: "focus-less", type: "button", disabled: link.depth <= 1, "aria-label": "One step less" }, "−"),
      h("span", {}, link.depth === 1 ? "1 step" : `${link.depth} steps`),
      h("button", { id: "focus-more", type: "button", disabled: link.depth >= DEPTH_MAX, "aria-label": "One step more" }, "+"),
      h("button", { id: "focus-off", type: "button", "aria-label": "Draw the whole map" }, "×"));
  }
}
