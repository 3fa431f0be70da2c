/* accounting.js: where every span went, in plain words.
 * Every span that came is in exactly one class: received is their sum.
 */

import { sumOf } from "./model.js";

/**
 * @typedef {{word: string, label: string, count: number, means: string, warns: boolean,
 *            reasons: {word: string, count: number, means: string}[]}} SpanClass
 */

/** @type {Record<string, string>} */
const UNPAIRED = {
  parent_missing: "Its parent never came, so who called is not known: a sampler left the parent out, " +
    "or the caller does not send to spanmap.",
  late: "It came after its call had been counted; the call is not counted twice. Senders that need " +
    "longer want a longer pairing.wait.",
  no_producer: "A message was taken whose sender was never seen and that names no queue.",
  server_silent: "The called service is known, but its side of this call never came. The call is " +
    "drawn to it, as its caller saw it.",
  no_server: "The called side never reported: a database, a queue, or a host that nobody instruments. " +
    "The call is drawn, as its caller saw it.",
  no_consumer: "A message was sent that nobody was seen to take.",
};

/** @type {Record<string, string>} */
const DROPPED = {
  evicted: "Pushed out by newer spans before its wait was over, because the memory for waiting spans " +
    "was full: raise memory.limit, or shorten pairing.wait.",
};

/** @type {Record<string, string>} */
const REJECTED = {
  invalid_id: "Its trace id or span id is missing, or of a wrong length. The sender was told.",
  id_reused: "More than eight different spans of one trace had the same span id.",
};

export const RECEIVED = "Every span that senders handed over. It is the sum of the classes below.";

/**
 * @param {import("./model.js").Reasons} reasons
 * @param {Record<string, string>} words
 */
function listed(reasons, words) {
  return Object.entries(reasons)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => ({ word, count, means: words[word] ?? "" }));
}

/**
 * The classes in the order in which they are shown.
 * @param {import("./model.js").Accounting} accounting
 * @returns {SpanClass[]}
 */
export function classesOf(accounting) {
  const { paired, internal, waiting, duplicate, unpaired, dropped, rejected, waited = 0 } = accounting;
  const plain = { warns: false, reasons: [] };
  return [
    { word: "paired", label: "paired", count: paired, ...plain,
      means: "One side of a counted call of which both sides came, or the first span of a request." },
    { word: "internal", label: "internal", count: internal, ...plain,
      means: "Work inside one service: no call between two." },
    { word: "waiting", label: "waiting", count: waiting, ...plain,
      means: "Not counted yet, since what belongs to it may still come: up to pairing.wait (10 s " +
        "unless configured), or pairing.parent_wait (5 min) while its parent is missing." },
    { word: "unpaired", label: "unpaired", count: sumOf(unpaired), warns: false,
      means: "Only one side of a call was seen.", reasons: listed(unpaired, UNPAIRED) },
    { word: "duplicate", label: "duplicate", count: duplicate, ...plain,
      means: "Came more than once, as senders repeat what they are unsure of; counted once." },
    { word: "dropped", label: "dropped", count: sumOf(dropped), warns: sumOf(dropped) > 0,
      means: "Taken on, but lost before it could be judged: the map lacks these.",
      reasons: listed(dropped, DROPPED) },
    ...(waited ? [{ word: "waited", label: "waited before", count: -waited, ...plain,
      means: "Counted above in this window, but received before it began: to be taken off." }] : []),
    { word: "rejected", label: "rejected", count: sumOf(rejected), warns: sumOf(rejected) > 0,
      means: "Not taken on, since it is no valid span.", reasons: listed(rejected, REJECTED) },
  ];
}
