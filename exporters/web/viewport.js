/* viewport.js: moves the camera over the drawing: wheel, drag, pinch, keys.
 * Is not: what is drawn (drawing.js), or what a click means (main.js).
 *
 * Until the user moves the camera it shows the whole map, also when the map grows; from then on
 * it stays where the user put it.
 */

import { fit, reveal, zoom } from "./camera.js";

/** A press that moves less than this is a click. */
const DRAG_PIXELS = 4;
const GLIDE_MS = 220;
const PAN_STEP = 80;
export const ZOOM_STEP = 1.3;
/** Below this, labels as drawn are too small to be read. */
const FAR_SCALE = 0.6;
const ENLARGE_MAX = 4;
const ENLARGE_STEP = 1.15;

/**
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./camera.js").Box} Box
 *
 * @typedef {object} Calls
 * @property {() => void} onScale                  names have another size now
 * @property {(camera: Camera) => void} onSettle   the camera goes to where it shows all
 */

export class Viewport {
  /**
   * @param {SVGSVGElement} canvas
   * @param {SVGGElement} layer   what the camera moves
   * @param {() => Box} content   where the drawing is, in its own coordinates
   * @param {Calls} calls
   */
  constructor(canvas, layer, content, calls) {
    this.canvas = canvas;
    this.calls = calls;
    /** How much larger than drawn names are written. */
    this.enlarge = 1;
    this.layer = layer;
    this.content = content;
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, scale: 1 };
    /** The user has put the camera somewhere. */
    this.moved = false;
    this.dragged = false;
    this.frame = 0;
    this.cover = { right: 0, bottom: 0 };
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.settle(false)).observe(canvas);
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.onPress(event));
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(kind, (event) => this.onRelease(event));
    }
    // The click that ends a drag is none.
    canvas.addEventListener("click", (event) => {
      if (this.dragged) event.stopPropagation();
      this.dragged = false;
    }, true);
    canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  /**
   * On small screens a panel lies over the drawing: that part is not used.
   * @param {HTMLElement} panel
   */
  setCover(panel) {
    const over = getComputedStyle(panel).position === "absolute" && !panel.hidden;
    const below = panel.offsetWidth >= this.canvas.clientWidth;
    const right = over && !below ? panel.offsetWidth : 0;
    const bottom = over && below ? panel.offsetHeight : 0;
    if (right === this.cover.right && bottom === this.cover.bottom) return;
    this.cover = { right, bottom };
    this.settle(true);
  }

  /**
   * The part of the screen that shows the drawing.
   * @returns {Box}
   */
  view() {
    return {
      x: 0,
      y: 0,
      width: Math.max(1, this.canvas.clientWidth - this.cover.right),
      height: Math.max(1, this.canvas.clientHeight - this.cover.bottom),
    };
  }

  middle() {
    const { width, height } = this.view();
    return { x: width / 2, y: height / 2 };
  }

  /**
   * @param {Camera} camera
   * @param {boolean} [glide]
   */
  set(camera, glide = false) {
    cancelAnimationFrame(this.frame);
    if (!glide || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.apply(camera);
      return;
    }
    const from = this.camera;
    const began = performance.now();
    const step = (/** @type {number} */ now) => {
      const t = Math.min(1, Math.max(0, (now - began) / GLIDE_MS));
      const eased = 1 - (1 - t) ** 3;
      const between = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * eased;
      this.apply({
        x: between(from.x, camera.x),
        y: between(from.y, camera.y),
        scale: between(from.scale, camera.scale),
      });
      if (t < 1) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /**
   * @param {Camera} camera
   */
  apply(camera) {
    this.camera = camera;
    const { x, y, scale } = camera;
    this.layer.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(5)})`);
    // Figures that nobody can read are only noise; names are enlarged instead.
    this.canvas.classList.toggle("far", scale < FAR_SCALE);
    // In steps: names are placed anew at each, which is too much for every turn of a wheel.
    const wanted = scale < FAR_SCALE ? Math.min(ENLARGE_MAX, FAR_SCALE / scale) : 1;
    const enlarge = ENLARGE_STEP ** Math.round(Math.log(wanted) / Math.log(ENLARGE_STEP));
    if (enlarge === this.enlarge) return;
    this.enlarge = enlarge;
    this.canvas.style.setProperty("--enlarge", enlarge.toFixed(2));
    this.canvas.style.setProperty("--widen", (enlarge ** 0.7).toFixed(2));
    this.calls.onScale();
  }

  /**
   * Shows the whole map, unless the user has moved the camera.
   * @param {boolean} glide
   */
  settle(glide) {
    const content = this.content();
    if (this.moved || content.width === 0 || this.canvas.clientWidth === 0) return;
    const camera = fit(content, this.view());
    this.set(camera, glide);
    this.calls.onSettle(camera);
  }

  /** Shows the whole map. */
  showAll() {
    this.moved = false;
    this.settle(true);
  }

  /**
   * Makes sure that something can be seen.
   * @param {Box} box
   */
  show(box) {
    const camera = reveal(this.camera, box, this.view());
    if (camera.x === this.camera.x && camera.y === this.camera.y) return;
    this.moved = true;
    this.set(camera, true);
  }

  /**
   * @param {number} factor
   * @param {{x: number, y: number}} [at] on the screen
   */
  zoomBy(factor, at) {
    this.moved = true;
    this.set(zoom(this.camera, factor, at ?? this.middle()), at === undefined);
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    this.moved = true;
    this.set({ ...this.camera, x: this.camera.x + dx, y: this.camera.y + dy });
  }

  /**
   * @param {MouseEvent} event
   */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /**
   * @param {WheelEvent} event
   */
  onWheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // Pinching on a touch pad comes as a wheel with ctrl, in small steps.
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    const delta = Math.max(-400, Math.min(400, event.deltaY * unit));
    this.zoomBy(Math.exp(-delta * speed), this.place(event));
  }

  /**
   * @param {PointerEvent} event
   */
  onPress(event) {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, this.place(event));
    this.dragged = false;
  }

  /**
   * @param {PointerEvent} event
   */
  onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    const dx = now.x - before.x;
    const dy = now.y - before.y;
    if (!this.dragged) {
      if (Math.hypot(dx, dy) < DRAG_PIXELS) return;
      this.dragged = true;
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.classList.add("dragging");
    }
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (!other) {
      this.panBy(dx, dy);
      return;
    }
    const ratio = Math.hypot(now.x - other.x, now.y - other.y) /
      Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    this.zoomBy(ratio, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  /**
   * @param {PointerEvent} event
   */
  onRelease(event) {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size === 0) this.canvas.classList.remove("dragging");
    // Where no click follows, the next one is a real one.
    setTimeout(() => { this.dragged = false; }, 0);
  }

  /**
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => this.zoomBy(ZOOM_STEP),
      "=": () => this.zoomBy(ZOOM_STEP),
      "-": () => this.zoomBy(1 / ZOOM_STEP),
      "0": () => this.showAll(),
    };
    if (event.shiftKey) {
      keys.ArrowLeft = () => this.panBy(PAN_STEP, 0);
      keys.ArrowRight = () => this.panBy(-PAN_STEP, 0);
      keys.ArrowUp = () => this.panBy(0, PAN_STEP);
      keys.ArrowDown = () => this.panBy(0, -PAN_STEP);
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
