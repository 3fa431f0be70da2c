import assert from "node:assert/strict";
import { test } from "node:test";

import { classesOf } from "../../exporters/web/accounting.js";
import { readMap } from "../../exporters/web/model.js";
import { sample } from "./sample.js";

test("the classes are all of what was received", () => {
  const { accounting } = readMap(sample());
  const classes = classesOf(accounting);
  assert.equal(classes.reduce((sum, item) => sum + item.count, 0), accounting.received);
  for (const item of classes) assert.ok(item.means.length > 10, item.word);
});

test("reasons that did not happen are not told, others with their meaning", () => {
  const unpaired = classesOf(readMap(sample()).accounting).find((item) => item.word === "unpaired");
  assert.deepEqual(unpaired?.reasons.map((reason) => [reason.word, reason.count]), [["parent_missing", 1], ["no_server", 4]]);
  for (const reason of unpaired?.reasons ?? []) assert.ok(reason.means.length > 10);
});

test("what waited before a window began is taken off", () => {
  const { accounting } = readMap(sample());
  const classes = classesOf({ ...accounting, paired: accounting.paired + 6, waited: 6 });
  assert.equal(classes.reduce((sum, item) => sum + item.count, 0), accounting.received);
  assert.equal(classes.find((item) => item.word === "waited")?.count, -6);
});

test("losses warn, and only losses", () => {
  const { accounting } = readMap(sample());
  assert.deepEqual(classesOf(accounting).filter((item) => item.warns).map((item) => item.word), ["dropped", "rejected"]);
  accounting.dropped = { evicted: 0 };
  accounting.rejected = {};
  assert.deepEqual(classesOf(accounting).filter((item) => item.warns), []);
});

test("a reason that this page does not know is shown by its word", () => {
  const { accounting } = readMap(sample());
  accounting.unpaired = { brand_new: 2 };
  const unpaired = classesOf(accounting).find((item) => item.word === "unpaired");
  assert.deepEqual(unpaired?.reasons, [{ word: "brand_new", count: 2, means: "" }]);
});
