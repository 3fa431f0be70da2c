/* search.js: the box that finds services: a list below it, and what matches stands out on the map.
 * The pattern is ARIA's combobox: the focus stays in the box, arrow keys go through the list.
 */

import { h, morph, name } from "./dom.js";
import { icon, shorten, TYPES } from "./figures.js";
import { keyOfNodeId, nodeMatches } from "./model.js";

const SHOWN_MAX = 8;

export class Search {
  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   * @param {{onQuery: (query: string) => void, onChoose: (key: string) => void}} calls
   */
  constructor(input, list, calls) {
    this.input = input;
    this.list = list;
    this.calls = calls;
    /** @type {import("./model.js").ServiceMap|null} */
    this.map = null;
    /** @type {string[]} */
    this.keys = [];
    this.active = -1;
    this.open = false;
    this.listen();
  }

  listen() {
    const { input, list } = this;
    input.addEventListener("input", () => {
      this.open = input.value.trim() !== "";
      this.active = -1;
      this.calls.onQuery(input.value.trim());
      this.show();
    });
    input.addEventListener("keydown", (event) => this.onKey(event));
    input.addEventListener("blur", () => this.close());
    // The box must not lose the focus before the click has come.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target instanceof Element ? event.target.closest("[data-key]") : null;
      if (option) this.choose(option.getAttribute("data-key") ?? "");
    });
  }

  /**
   * @param {import("./model.js").ServiceMap} map
   */
  setMap(map) {
    this.map = map;
    if (this.open) this.show();
  }

  close() {
    this.open = false;
    this.show();
  }

  /**
   * @param {string} key
   */
  choose(key) {
    this.close();
    this.calls.onChoose(key);
  }

  /**
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.open = this.input.value.trim() !== "";
      const step = event.key === "ArrowDown" ? 1 : -1;
      const count = this.keys.length;
      this.active = count === 0 ? -1 : (this.active + step + count + (this.active < 0 && step < 0 ? 1 : 0)) % count;
      this.show();
    } else if (event.key === "Enter") {
      const key = this.keys[Math.max(this.active, 0)];
      if (this.open && key) this.choose(key);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (this.open) {
        this.close();
      } else if (this.input.value !== "") {
        this.input.value = "";
        this.calls.onQuery("");
      } else {
        this.input.blur();
      }
    }
  }

  show() {
    const { input, list, map } = this;
    const query = input.value.trim();
    const found = this.open && map ? map.nodes.filter((node) => nodeMatches(node, query)) : [];
    // Busy ones first: they are what is looked for most.
    found.sort((a, b) => b.requests - a.requests);
    const shown = found.slice(0, SHOWN_MAX);
    this.keys = shown.map((node) => keyOfNodeId(node.id));
    this.active = Math.min(this.active, shown.length - 1);
    const options = shown.map((node, index) => h("li", {
      id: `found-${index}`, role: "option", "data-key": this.keys[index], "aria-selected": String(index === this.active),
    }, icon(node.type), h("span", { class: "name" }, name(shorten(node.name))),
    h("span", { class: "muted" }, node.namespace ? shorten(node.namespace) : TYPES[node.type] ?? node.type)));
    if (found.length > shown.length) {
      options.push(h("li", { class: "muted", role: "presentation" }, `and ${found.length - shown.length} more`));
    } else if (this.open && found.length === 0) {
      options.push(h("li", { class: "muted", role: "presentation" }, "Nothing of that name is on the map."));
    }
    morph(list, options);
    list.hidden = !this.open;
    input.setAttribute("aria-expanded", String(this.open));
    if (this.active >= 0) input.setAttribute("aria-activedescendant", `found-${this.active}`);
    else input.removeAttribute("aria-activedescendant");
  }
}
