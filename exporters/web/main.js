/* main.js: the page as a whole. Holds its state, and brings every part up to date from it.
 *
 *   address (#...) ──> link ─┐
 *   spanmap ──> poller ──> map, history, drawing ──> update(): stage, tables, panel, footer, state
 */

import { fetchAbilities, fetchSettings } from "./api.js";
import { sayStep } from "./charts.js";
import { Controls } from "./controls.js";
import { Details } from "./details.js";
import { get, h, morph } from "./dom.js";
import { shorten, spoken } from "./figures.js";
import { hiddenKeys } from "./filter.js";
import { formatAge, formatClock, formatRate, formatShare, formatSpan, plural } from "./format.js";
import { History, LIVE_SECONDS } from "./history.js";
import { readLink, writeLink } from "./link.js";
import { nameOf, partsOfKey } from "./model.js";
import { showPanel, showTip } from "./panel.js";
import { Poller } from "./poller.js";
import { isPast, isSinceStart, resolve } from "./query.js";
import { Search } from "./search.js";
import { Stage } from "./stage.js";
import { NONE_KNOWN, UNKNOWN } from "./settings.js";
import { showTable } from "./tables.js";
import { ZOOM_STEP } from "./viewport.js";
import { account, emptyMessage, legend, noDrawingMessage, sums } from "./words.js";

/** A moment of the past is met within a step of what is kept. */
const PAST_TOLERANCE_S = 60;

class Page {
  constructor() {
    /** @type {import("./model.js").ServiceMap|null} */
    this.map = null;
    this.history = new History();
    this.link = readLink(location.hash);
    this.wasReached = true;
    this.spokenSelect = "";
    this.partShown = "";
    /** What spanmap can be asked for, and of which life of its. */
    this.abilities = NONE_KNOWN;
    /** The start of the spanmap that they are of, ms. */
    this.abilitiesOf = -1;
    /** What is known of the configuration, and of which life of spanmap's, by its start. */
    this.settings = UNKNOWN;
    this.settingsOf = -1;
    /** The user has opened or closed the legend. */
    this.legendChosen = false;
    this.stage = new Stage(get("canvas"), get("camera"), get("tip"), {
      onSelect: (key) => this.go({ select: key }),
      onSettle: (camera) => this.foldLegend(camera),
      onHover: (key) => this.map !== null && showTip(get("tip"), this.panelState(this.map), key),
    });
    this.search = new Search(get("search"), get("found"), {
      onQuery: (query) => this.go({ query }, true),
      onChoose: (key) => {
        this.go({ select: key });
        this.stage.reveal(key);
      },
    });
    this.search.input.value = this.link.query;
    this.details = new Details(() => this.map && this.showPanel(this.map));
    this.controls = new Controls(get("controls"), (change, replace) => this.go(change, replace));
    this.poller = new Poller(() => this.resolved(), {
      onMap: (map) => this.onMap(map),
      onDrawing: (text) => this.onDrawing(text),
      onChange: () => this.updateState(),
    });
    this.listen();
    this.update();
    void this.askAbilities(0);
    setInterval(() => this.updateState(), 1000);
  }

  /**
   * The link with the window that it means now.
   * @returns {import("./link.js").Link}
   */
  resolved() {
    return resolve(this.link, this.abilities, this.poller ? this.poller.now : Date.now() / 1000);
  }

  listen() {
    addEventListener("hashchange", () => {
      this.link = readLink(location.hash);
      this.poller.follow();
      if (document.activeElement !== this.search.input) this.search.input.value = this.link.query;
      this.update();
      if (this.link.select) this.stage.reveal(this.link.select);
    });
    document.addEventListener("click", (event) => this.onClick(event));
    document.addEventListener("keydown", (event) => this.onKey(event));
    get("zoom-in").addEventListener("click", () => this.stage.viewport.zoomBy(ZOOM_STEP));
    get("zoom-out").addEventListener("click", () => this.stage.viewport.zoomBy(1 / ZOOM_STEP));
    get("zoom-fit").addEventListener("click", () => this.stage.viewport.showAll());
    get("legend").querySelector("summary")?.addEventListener("click", () => { this.legendChosen = true; });
    get("live").addEventListener("click", () => {
      if (isPast(this.link)) this.go({ at: 0 });
      else this.poller.setPaused(!this.poller.paused);
    });
    get("panel").addEventListener("pointerover", (event) => sayStep(event.target));
    get("panel").addEventListener("pointerleave", () => sayStep(null));
    get("sums").addEventListener("click", () => this.showAccount(get("account").hidden));
  }

  /**
   * @param {MouseEvent} event
   */
  onClick(event) {
    if (!(event.target instanceof Element)) return;
    const copied = event.target.closest("[data-copy], [data-copy-text]");
    if (copied) void this.copy(copied);
    const quantile = event.target.closest("[data-quantile]")?.getAttribute("data-quantile");
    if (quantile) this.go({ quantile }, true);
    const step = event.target.closest(".slot")?.getAttribute("data-at");
    if (step) this.go({ at: Number(step) });
    if (event.target.closest(".skip")) {
      event.preventDefault();
      (this.link.view === "map" ? get("canvas") : get("tables")).focus();
    }
    const row = event.target.closest("[data-select]");
    if (row && !event.target.closest("a")) this.go({ select: row.getAttribute("data-select") ?? "" });
    // A new order of rows is no step that one wants to go back to.
    const replaced = event.target.closest("a[data-replace]");
    if (replaced && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.go(readLink(replaced.getAttribute("href") ?? ""), true);
    }
  }

  /**
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const writing = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !writing) {
      event.preventDefault();
      this.search.input.select();
      this.search.input.focus();
    } else if (event.key === "Escape") {
      if (!get("account").hidden) this.showAccount(false);
      else if (this.link.select) this.closePanel();
    } else if (event.key === " " && event.target instanceof HTMLAnchorElement &&
               event.target.getAttribute("role") === "button") {
      event.preventDefault();
      event.target.click();
    }
  }

  closePanel() {
    const key = this.link.select;
    const inside = get("panel").contains(document.activeElement);
    this.go({ select: "" });
    if (!inside) return;
    if (this.link.view !== "map") get("tables").focus();
    else if (this.stage.drawing.byKey.has(key)) this.stage.drawing.byKey.get(key)?.focus();
    else get("canvas").focus();
  }

  /**
   * @param {Element} button
   */
  async copy(button) {
    const whole = button.getAttribute("data-copy-text");
    const source = whole === null ? get(button.getAttribute("data-copy") ?? "") : button;
    try {
      await navigator.clipboard.writeText(whole ?? source.textContent ?? "");
      if (whole === null) button.textContent = "Copied";
      else get("spoken").textContent = "Copied";
      button.classList.add("copied");
    } catch {
      // Without a secure connection there is no clipboard: the user copies what is selected.
      if (whole !== null) source.textContent = whole;
      getSelection()?.selectAllChildren(source);
      if (whole === null) button.textContent = "Selected";
    }
  }

  /**
   * Changes the link, and the page by it.
   * @param {Partial<import("./link.js").Link>} change
   * @param {boolean} [replace] no step to go back to
   */
  go(change, replace = false) {
    const link = { ...this.link, ...change };
    const href = writeLink(link);
    if (href === writeLink(this.link)) return;
    this.link = link;
    this.poller.follow();
    history[replace ? "replaceState" : "pushState"](null, "", href);
    this.update();
  }

  /**
   * @param {import("./model.js").ServiceMap} map
   */
  onMap(map) {
    this.map = map;
    // A window's counts do not only grow: no rate can be told from their differences.
    if (isSinceStart(this.poller.link)) {
      this.history.add(map);
      if (map.start > 0) void this.askAbilities(map.start);
    }
    if (map.nodes.length === 0) {
      this.stage.clear();
      void this.askSettings(map.start);
    }
    this.search.setMap(map);
    this.update();
  }

  /**
   * Without them the page says the same in general words.
   * @param {number} start of spanmap
   */
  async askSettings(start) {
    if (this.settingsOf === start) return;
    this.settingsOf = start;
    this.settings = await fetchSettings().catch(() => UNKNOWN);
    this.updateState();
  }

  /**
   * Without them the page offers less.
   * @param {number} start of spanmap, as a map told it; 0: not known yet
   */
  async askAbilities(start) {
    if (start > 0 && this.abilities.start === start) return;
    if (this.abilitiesOf === start) return;
    this.abilitiesOf = start;
    this.abilities = await fetchAbilities().catch(() => {
      this.abilitiesOf = -1;
      return NONE_KNOWN;
    });
    this.poller.tick(true);
    this.update();
  }

  /**
   * The legend is open until it would hide something, or the user chooses.
   * @param {import("./camera.js").Camera} camera
   */
  foldLegend(camera) {
    const box = get("legend");
    box.hidden = this.stage.isEmpty;
    if (this.legendChosen || box.hidden || !box.hasAttribute("open")) return;
    if (innerWidth < 900 || this.stage.isUnder(box.getBoundingClientRect(), camera)) box.removeAttribute("open");
  }

  /**
   * @param {string} text
   */
  onDrawing(text) {
    const first = this.stage.isEmpty;
    const { focus, depth, top, minRate, collapse, cluster } = this.link;
    const part = [focus, depth, top, minRate, collapse, cluster].join("\n");
    this.stage.show(text, this.link.select);
    // Another part of the map is another picture: what the camera showed before is nowhere now.
    if (part !== this.partShown && !first) this.stage.viewport.showAll();
    this.partShown = part;
    this.update();
    if (first && this.link.select) this.stage.reveal(this.link.select);
  }

  href(/** @type {Partial<import("./link.js").Link>} */ change) {
    return writeLink({ ...this.link, ...change });
  }

  /**
   * What the two windows of the figures are called.
   * @param {import("./model.js").ServiceMap} map
   */
  windows(map) {
    const seconds = Math.round(this.history.recentSeconds());
    const past = formatSpan((map.end - map.start) / 1000);
    const since = `Since ${formatClock(map.start, map.end)} (${past})`;
    const span = `${formatClock(map.start, map.end)} to ${formatClock(map.end, Date.now())} (${past})`;
    const { before } = map;
    return {
      live: seconds === 0 ? "Now: measuring" : `Last ${Math.min(seconds, LIVE_SECONDS)} s`,
      whole: map.start === 0 ? "So far" : isSinceStart(this.poller.link) ? since : isPast(this.poller.link) || before ? span : `Last ${past}`,
      before: before ? `Before: ${formatClock(before.start, map.end)} to ${formatClock(before.end, map.end)}` : "",
    };
  }

  /**
   * @param {import("./model.js").ServiceMap} map
   * @returns {import("./columns.js").Mode}
   */
  mode(map) {
    return map.before ? "compare" : isSinceStart(this.poller.link) ? "start" : "window";
  }

  /**
   * @param {import("./model.js").ServiceMap} map
   * @returns {import("./panel.js").PanelState & import("./tables.js").TableState}
   */
  panelState(map) {
    return {
      map, history: this.history, windows: this.windows(map), link: this.link, mode: this.mode(map),
      hidden: hiddenKeys(map, this.link), sinceStart: isSinceStart(this.poller.link),
      details: this.details.known, titles: this.stage.drawing.titles, traceUrl: this.abilities.traceUrl, href: (/** @type {Partial<import("./link.js").Link>} */ change) => this.href(change),
    };
  }

  /**
   * @param {import("./model.js").ServiceMap} map
   */
  showPanel(map) {
    if (this.link.select) showPanel(get("panel"), this.panelState(map), this.link.select);
  }

  update() {
    const { map, link } = this;
    if (link.theme) document.documentElement.dataset.theme = link.theme;
    else delete document.documentElement.dataset.theme;
    for (const view of /** @type {const} */ (["map", "services", "edges"])) {
      const tab = get(`tab-${view}`);
      tab.setAttribute("href", this.href({ view }));
      if (view === link.view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    get("stage").classList.toggle("unused", link.view !== "map");
    get("tables").hidden = link.view === "map";
    this.poller.setDrawingWanted(link.view === "map");
    get("panel").hidden = !link.select || !map;
    const name = map && link.select ? partsOfKey(link.select)?.ids.map((id) => shorten(nameOf(map, id))).join(" → ") : "";
    this.stage.viewport.setCover(get("panel"));
    document.title = name ? `${name} · spanmap` : "spanmap";
    if (map) {
      get("count-services").textContent = String(map.nodes.length);
      get("count-edges").textContent = String(map.edges.length);
      this.stage.decorate(map, link.select, link.query, hiddenKeys(map, link));
      this.details.follow(map, this.poller.link, this.abilities.paths);
      this.showPanel(map);
      if (link.view !== "map") showTable(get("tables"), this.panelState(map));
      this.updateSums(map);
      if (this.spokenSelect !== link.select) {
        this.spokenSelect = link.select;
        if (link.select) get("spoken").textContent = `Details of: ${spoken(map, link.select) || name}`;
      }
    }
    morph(get("legend-body"), legend(map?.before ?? null));
    this.controls.show({ link, now: this.poller.now, abilities: this.abilities });
    this.updateState();
  }

  /**
   * @param {import("./model.js").ServiceMap} map
   */
  updateSums(map) {
    morph(get("sums"), sums(map.accounting));
    if (!get("account").hidden) morph(get("account"), account(map.accounting));
    let rate = 0;
    let requests = 0;
    let failed = 0;
    const sinceStart = isSinceStart(this.poller.link);
    const seconds = (map.end - map.start) / 1000;
    for (const [key, edge] of map.edgeByKey) {
      const recent = sinceStart ? this.history.recent(key) : { ...edge, rate: seconds > 0 ? edge.requests / seconds : 0 };
      if (!recent) continue;
      rate += recent.rate;
      requests += recent.requests;
      failed += recent.failed;
    }
    const known = (!sinceStart || this.history.recentSeconds() > 0) && map.edges.length > 0;
    const { live, whole, before } = this.windows(map);
    morph(get("totals"), known ? [
      h("b", {}, formatRate(rate)), ` on ${map.edges.length === 1 ? "1 edge" : `${map.edges.length} edges`}, `,
      h("b", {}, formatShare(failed, requests)), " failed", sinceStart ? ` · ${lower(live)}` : "",
    ] : []);
    get("totals").title = sinceStart ? "" : whole;
    const hint = get("hint");
    hint.hidden = this.stage.isEmpty;
    hint.textContent = map.edges.length === 0
      ? sinceStart ? "No call between two services yet: spans wait up to pairing.wait for their other side."
        : `No call between two services: ${whole}.`
      : `Figures on the map: ${lower(whole)}. ${before ? `${before}. ` : ""}${this.leftOutText(map)}`;
  }

  /**
   * A picture that leaves something out must say so.
   * @param {import("./model.js").ServiceMap} map
   */
  leftOutText(map) {
    const { nodes, edges } = this.stage.leftOut(map);
    if (nodes + edges === 0 || !this.poller.isDrawn) return "";
    const { focus, minRate, top, collapse } = this.link;
    if (focus || minRate || top || collapse) return `Not drawn, by choice: ${plural(nodes, "node")}, ${plural(edges, "edge")}.`;
    return `The least busy are not drawn: ${plural(nodes, "node")}, ${plural(edges, "edge")}. The tables have them all.`;
  }

  /**
   * @param {boolean} open
   */
  showAccount(open) {
    get("account").hidden = !open;
    get("sums").setAttribute("aria-expanded", String(open));
    if (open && this.map) morph(get("account"), account(this.map.accounting));
  }

  /** What is known of spanmap and of how old all this is; every second, for ages grow. */
  updateState() {
    const { poller, map } = this;
    const now = performance.now();
    const age = (/** @type {number} */ at) => formatAge((now - at) / 1000);
    const reached = poller.mapError === null;
    const live = get("live");
    const past = isPast(this.link);
    const state = !reached ? "lost" : !poller.isFresh ? "loading" : past ? "past" : poller.paused ? "paused" : "live";
    live.dataset.state = state;
    live.setAttribute("aria-pressed", String(poller.paused || past));
    live.title = past ? "This is the past: go on to now" : poller.paused ? "Refreshing is paused: go on" : "Refreshes by itself: pause";
    const words = { past: "Past", paused: "Paused", lost: poller.mapError?.reached ? "Refused" : "Not connected", live: "Live", loading: "Loading" };
    const of = past && map ? formatClock(map.end, Date.now()) : age(poller.mapAt);
    get("live-text").textContent = poller.isFresh && state !== "lost" ? `${words[state]} · ${of}` : words[state];
    get("main").setAttribute("aria-busy", String(!poller.isFresh || (poller.drawing && !poller.isDrawn)));
    this.updateNotice(map, age);
    this.updateMessage(map);
    get("legend").hidden = this.stage.isEmpty;
    get("zoom").hidden = this.stage.isEmpty;
    if (reached !== this.wasReached) {
      get("spoken").textContent = reached ? "spanmap answers again." : "spanmap does not answer.";
      this.wasReached = reached;
    }
  }

  /**
   * @param {import("./model.js").ServiceMap|null} map
   * @param {(at: number) => string} age
   */
  updateNotice(map, age) {
    const { poller, link } = this;
    const notice = get("notice");
    const clock = map ? formatClock(map.end, Date.now()) : "";
    /** @type {(Node|string)[]} */
    let text = [];
    if (poller.mapError && map) {
      text = [h("b", {}, poller.mapError.reached ? "spanmap refuses: " : "spanmap cannot be reached: "),
        `${sentence(poller.mapError.message)} What you see is of ${clock}, ${age(poller.mapAt)}; it is tried again every few seconds.`];
    } else if (poller.drawingError && !this.stage.isEmpty && link.view === "map") {
      text = [h("b", {}, "The map could not be drawn anew: "),
        `${sentence(poller.drawingError)} The picture is ${age(poller.drawingAt).replace(" ago", "")} old; tables and details are up to date.`];
    }
    const missed = map && poller.isFresh && !poller.mapError ? this.missedText(map) : "";
    if (text.length === 0 && missed) text = [missed];
    morph(notice, text);
    notice.hidden = text.length === 0;
  }

  /**
   * What was asked for and is not what came. Of the past only so much is kept.
   * @param {import("./model.js").ServiceMap} map
   */
  missedText(map) {
    const { at, compare } = this.link;
    if (at > 0 && Math.abs(map.end / 1000 - at) > PAST_TOLERANCE_S) {
      return `Of ${formatClock(at * 1000, Date.now())} nothing is kept; what you see is of ${formatClock(map.end, Date.now())}.`;
    }
    if (compare && !map.before) return "There is nothing that this could be compared with: so far back nothing is kept.";
    return "";
  }

  /**
   * @param {import("./model.js").ServiceMap|null} map
   */
  updateMessage(map) {
    const { poller } = this;
    /** @type {Node|null} */
    let message = null;
    if (!map && poller.mapError) {
      message = noDrawingMessage(poller.mapError.reached ? "spanmap refuses" : "spanmap cannot be reached",
        `${sentence(poller.mapError.message)} It is tried again every few seconds.`, "");
    } else if (!map) {
      message = h("p", { class: "quiet" }, "Loading the map…");
    } else if (map.nodes.length === 0 && !isSinceStart(poller.link)) {
      message = h("div", { class: "card" }, h("h2", {}, "Nothing was seen in this time"), h("p", {}, `${this.windows(map).whole}.`),
        h("p", {}, h("a", { href: this.href({ window: "all", at: 0, compare: "" }) }, "Show all since the start")));
    } else if (map.nodes.length === 0) {
      message = emptyMessage(location.hostname, this.settings, map.accounting);
    } else if (this.stage.isEmpty) {
      message = poller.drawingError
        ? noDrawingMessage("The map cannot be drawn", sentence(poller.drawingError), this.href({ view: "edges" }))
        : h("p", { class: "quiet" }, "Drawing the map…");
    }
    // What the user pressed says so until another message comes.
    const box = get("message");
    const button = box.querySelector("#copy");
    if (message instanceof Element && button) {
      const fresh = message.querySelector("#copy");
      if (fresh) fresh.textContent = button.textContent;
    }
    morph(box, message ? [message] : []);
    box.hidden = message === null;
  }
}

/**
 * For the middle of a sentence.
 * @param {string} text
 */
function lower(text) {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/**
 * Ends with a stop.
 * @param {string} text
 */
function sentence(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

new Page();
