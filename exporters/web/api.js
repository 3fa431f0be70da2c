/* api.js: asks spanmap for the map, its drawing, and what is known of one node or edge.
 * Addresses are relative, so that the page also works below a path of a proxy.
 */

import { readMap } from "./model.js";
import { readAbilities, readSettings } from "./settings.js";

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
 * @param {AbortSignal} [given_up] nobody waits any more
 * @returns {Promise<string>}
 */
async function ask(path, timeout, given_up) {
  const limit = new AbortController();
  let late = false;
  const timer = setTimeout(() => { late = true; limit.abort(); }, timeout);
  const stop = () => limit.abort();
  given_up?.addEventListener("abort", stop);
  try {
    const response = await fetch(path, { cache: "no-cache", signal: limit.signal });
    if (!response.ok) throw new Refusal(await sentenceOf(response), true);
    return await response.text();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(late ? `no answer within ${timeout / 1000} s` : "the connection failed", false);
  } finally {
    clearTimeout(timer);
    given_up?.removeEventListener("abort", stop);
  }
}

/**
 * @template Value
 * @param {string} text
 * @param {(answer: unknown) => Value} read throws where it is not what it should be
 * @returns {Value}
 */
function readAs(text, read) {
  try {
    return read(JSON.parse(text));
  } catch (error) {
    throw new Refusal(`its answer cannot be read: ${error instanceof Error ? error.message : error}`, true);
  }
}

/**
 * @param {string} query
 * @param {AbortSignal} [given_up]
 * @returns {Promise<import("./model.js").ServiceMap>}
 */
export async function fetchMap(query, given_up) {
  return readAs(await ask(`api/v1/map${query}`, MAP_TIMEOUT_MS, given_up), readMap);
}

export async function fetchSettings() {
  return readSettings(await ask("debug/config", MAP_TIMEOUT_MS));
}

/**
 * @returns {Promise<import("./settings.js").Abilities>}
 */
export async function fetchAbilities() {
  return readAs(await ask("api/v1/settings", MAP_TIMEOUT_MS), readAbilities);
}

/**
 * @param {string} query
 * @param {AbortSignal} [given_up]
 * @returns {Promise<string>}
 */
export function fetchDrawing(query, given_up) {
  return ask(`map.svg${query}`, DRAWING_TIMEOUT_MS, given_up);
}

/**
 * What is known of one node or edge.
 * @template Value
 * @param {string} path
 * @param {(answer: unknown) => Value} read
 * @param {AbortSignal} given_up
 * @returns {Promise<Value>}
 */
export async function fetchDetail(path, read, given_up) {
  return readAs(await ask(path, MAP_TIMEOUT_MS, given_up), read);
}
