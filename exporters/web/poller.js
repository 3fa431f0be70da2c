/* poller.js: when to ask, and what is known of the other side.
 * The figures come every few seconds. The drawing costs spanmap more: it comes at once when the
 * map has changed its shape, else less often; never two requests of a kind at a time.
 */

import { fetchDrawing, fetchMap, Refusal } from "./api.js";
import { structureOf } from "./model.js";

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
   * @param {Calls} calls
   */
  constructor(calls) {
    this.calls = calls;
    this.paused = false;
    /** When the last answers came, ms of performance.now(); 0: never. */
    this.mapAt = 0;
    this.drawingAt = 0;
    /** @type {Refusal|null} */
    this.mapError = null;
    this.drawingError = "";
    this.structure = "";
    this.drawnStructure = "";
    this.nodes = 0;
    this.asking = false;
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

  /** Is the drawing of the same nodes and edges as the map? */
  get isDrawn() {
    return this.drawnStructure === this.structure;
  }

  setDrawingWanted(/** @type {boolean} */ wanted) {
    const now = wanted && !this.drawingWanted;
    this.drawingWanted = wanted;
    if (now && !this.paused) void this.askDrawing();
  }

  tick() {
    clearTimeout(this.timer);
    if (this.paused || document.visibilityState === "hidden") return;
    this.timer = setTimeout(() => this.tick(), this.nodes > 0 ? PERIOD_MS : EMPTY_PERIOD_MS);
    void this.askMap();
  }

  async askMap() {
    if (this.asking) return;
    this.asking = true;
    try {
      const map = await fetchMap();
      this.mapAt = performance.now();
      this.mapError = null;
      this.nodes = map.nodes.length;
      this.structure = structureOf(map);
      this.calls.onMap(map);
      void this.askDrawing();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.mapError = error;
    } finally {
      this.asking = false;
      this.calls.onChange();
    }
  }

  async askDrawing() {
    const now = performance.now();
    const changed = this.structure !== this.drawnStructure && this.drawingError === "";
    if (this.drawing || !this.drawingWanted || this.nodes === 0 || (!changed && now < this.drawingDue)) return;
    this.drawing = true;
    const structure = this.structure;
    try {
      this.calls.onDrawing(await fetchDrawing());
      this.drawingAt = performance.now();
      this.drawingError = "";
      this.drawnStructure = structure;
    } catch (error) {
      this.drawingError = error instanceof Error ? error.message : String(error);
    } finally {
      const took = performance.now() - now;
      this.drawingDue = now + Math.max(DRAWING_PERIOD_MS, took * DRAWING_SHARE);
      this.drawing = false;
      this.calls.onChange();
    }
  }
}
