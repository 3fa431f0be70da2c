/* api.js: asks spanmap for the map and its drawing.
 * Addresses are relative, so that the page also works below a path of a proxy.
 */

import { readMap } from "./model.js";
import { readSettings } from "./settings.js";

const MAP_TIMEOUT_MS = 15000;
const DRAWING_TIMEOUT_MS = 60000;
/** Of an answer that is an error, so much is shown. */
const SENTENCE_MAX = 300;

/** An answer that did not help. Its message is a sentence for the user. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {boolean} reached spanmap answered, but not with what was asked for
   */
  constructor(message, reached) {
    super(message);
    this.reached = reached;
  }
}

/**
 * @param {Response} response
 */
async function sentenceOf(response) {
  const type = response.headers.get("content-type") ?? "";
  const text = type.startsWith("text/plain") ? (await response.text()).trim() : "";
  if (text === "") return `it answered ${response.status} ${response.statusText}`.trim();
  return text.length > SENTENCE_MAX ? `${text.slice(0, SENTENCE_MAX)}…` : text;
}

/**
 * @param {string} path
 * @param {number} timeout ms
 * @returns {Promise<string>}
 */
async function ask(path, timeout) {
  const signal = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(path, { cache: "no-cache", signal });
    if (!response.ok) throw new Refusal(await sentenceOf(response), true);
    return await response.text();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Refusal(late ? `no answer within ${timeout / 1000} s` : "the connection failed", false);
  }
}

/**
 * @returns {Promise<import("./model.js").ServiceMap>}
 */
export async function fetchMap() {
  const text = await ask("api/v1/map", MAP_TIMEOUT_MS);
  try {
    return readMap(JSON.parse(text));
  } catch (error) {
    throw new Refusal(`its answer cannot be read: ${error instanceof Error ? error.message : error}`, true);
  }
}

export async function fetchSettings() {
  return readSettings(await ask("debug/config", MAP_TIMEOUT_MS));
}

/**
 * @returns {Promise<string>}
 */
export function fetchDrawing() {
  return ask("map.svg", DRAWING_TIMEOUT_MS);
}
