/* poller.js: when to ask, and what is known of the other side.
 * The figures come every few seconds. The drawing costs spanmap more: it comes at once when the
 * map has changed its shape or other words are wanted, else less often; never two requests of a kind
 * at a time. A moment in the past is asked for once.
 */

import { fetchDrawing, fetchMap, Refusal } from "./api.js";
import { structureOf } from "./model.js";
import { drawingQuery, drawingWords, isPast, mapQuery, mapWords } from "./query.js";

const PERIOD_MS = 4000;
/** While there is nothing to see, people watch the counts of spans. */
const EMPTY_PERIOD_MS = 2000;
const DRAWING_PERIOD_MS = 7000;
/** A drawing may take this part of the time at most. */
const DRAWING_SHARE = 4;

/**
 * @typedef {object} Calls
 * @property {(map: import("./model.js").ServiceMap) => void} onMap
 * @property {(svg: string) => void} onDrawing  throws where it cannot be shown
 * @property {() => void} onChange              something of this object has changed
 */

export class Poller {
  /**
   * @param {() => import("./link.js").Link} resolved  the link, with the window that it means now
   * @param {Calls} calls
   */
  constructor(resolved, calls) {
    this.resolved = resolved;
    this.link = resolved();
    this.calls = calls;
    this.paused = false;
    /** When the last answers came, ms of performance.now(); 0: never. */
    this.mapAt = 0;
    this.drawingAt = 0;
    /** @type {Refusal|null} */
    this.mapError = null;
    this.drawingError = "";
    /** spanmap's clock at mapAt, seconds since 1970. */
    this.clock = 0;
    this.structure = "";
    this.drawnStructure = "";
    /** What the last map, and the last picture, were asked for with. */
    this.words = "";
    this.drawnWords = "";
    this.nodes = 0;
    /** @type {AbortController|null} */
    this.asking = null;
    this.drawing = false;
    this.drawingDue = 0;
    /** Is the drawing to be seen? Else it is not asked for. */
    this.drawingWanted = true;
    this.timer = 0;
    document.addEventListener("visibilitychange", () => this.tick());
    addEventListener("online", () => this.tick());
  }

  setPaused(/** @type {boolean} */ paused) {
    this.paused = paused;
    this.calls.onChange();
    this.tick();
  }

  /** Another link may want other figures, or another picture. */
  follow() {
    const before = this.link;
    const link = this.resolved();
    this.link = link;
    if (mapWords(before) !== mapWords(link)) {
      this.asking?.abort();
      this.asking = null;
      this.mapError = null;
      this.tick(true);
    } else if (drawingWords(before) !== drawingWords(link)) {
      this.drawingError = "";
      void this.askDrawing();
    }
  }

  /** Is what is shown what the link wants? */
  get isFresh() {
    return this.mapAt > 0 && this.words === mapWords(this.link);
  }

  /** Is the drawing of the same nodes and edges as the map, and as the link wants it? */
  get isDrawn() {
    return this.drawnStructure === this.structure && this.drawnWords === drawingWords(this.link);
  }

  /** Seconds since 1970, as near to spanmap's clock as is known. */
  get now() {
    return this.mapAt > 0 && this.clock > 0 ? this.clock + (performance.now() - this.mapAt) / 1000 : Date.now() / 1000;
  }

  setDrawingWanted(/** @type {boolean} */ wanted) {
    const now = wanted && !this.drawingWanted;
    this.drawingWanted = wanted;
    if (now && (!this.paused || !this.isDrawn)) void this.askDrawing();
  }

  /**
   * @param {boolean} [other] other figures are wanted, also while refreshing is paused
   */
  tick(other = false) {
    clearTimeout(this.timer);
    this.link = this.resolved();
    if (document.visibilityState === "hidden" || (this.paused && !other)) return;
    // The past does not change.
    if (isPast(this.link) && this.isFresh && this.mapError === null) return;
    this.timer = setTimeout(() => this.tick(), this.nodes > 0 ? PERIOD_MS : EMPTY_PERIOD_MS);
    void this.askMap();
  }

  async askMap() {
    if (this.asking) return;
    const asking = new AbortController();
    const { link } = this;
    this.asking = asking;
    try {
      const map = await fetchMap(mapQuery(link, this.now), asking.signal);
      if (this.asking !== asking) return;
      this.mapAt = performance.now();
      this.mapError = null;
      if (!isPast(link)) this.clock = map.end / 1000;
      this.nodes = map.nodes.length;
      this.structure = structureOf(map);
      this.words = mapWords(link);
      this.calls.onMap(map);
      void this.askDrawing();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.asking === asking) this.mapError = error;
    } finally {
      if (this.asking === asking) {
        this.asking = null;
        this.calls.onChange();
      }
    }
  }

  async askDrawing() {
    const now = performance.now();
    const { link } = this;
    const words = drawingWords(link);
    const changed = !this.isDrawn && this.drawingError === "";
    if (this.drawing || !this.drawingWanted || this.nodes === 0 || (!changed && now < this.drawingDue)) return;
    this.drawing = true;
    const structure = this.structure;
    this.calls.onChange();
    try {
      const text = await fetchDrawing(drawingQuery(link, this.now));
      if (words === drawingWords(this.link)) this.calls.onDrawing(text);
      this.drawingAt = performance.now();
      this.drawingError = "";
      this.drawnStructure = structure;
      this.drawnWords = words;
    } catch (error) {
      this.drawingError = error instanceof Error ? error.message : String(error);
    } finally {
      const took = performance.now() - now;
      this.drawingDue = now + Math.max(DRAWING_PERIOD_MS, took * DRAWING_SHARE);
      this.drawing = false;
      // What is wanted may have changed meanwhile.
      if (words !== drawingWords(this.link)) {
        this.drawingError = "";
        void this.askDrawing();
      }
      this.calls.onChange();
    }
  }
}
